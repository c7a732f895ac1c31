// Every page of the panel: its name, who looks at it, where it is in the seeded organization. The accessibility check
// and the screenshots go through this list.

/** All pages; `known` finds what addresses need. `prepare` brings a page to where it is looked at. */
export function pages(known) {
  const shop = '/w/shop'
  const build = '/w/platform-team/build'
  const page = (name, as, path, prepare) => ({ name, as, path, prepare })
  const block = (name, tail = '') => `${shop}/b/${known.block(name)}${tail}`
  const order = (name) => `${shop}/market/${known.definition(name)}/order`
  const tenant = `${shop}/p/checkout/t/${known.tenant('shop.checkout.spaces-berlin.in-house')}`
  return [
    page('login', undefined, '/login'),

    page('home', 'ada', '/home'),
    page('inbox', 'ada', '/inbox'),
    page('message', 'ada', `${shop}/messages/${known.message('shop')}`),
    page('search', 'ada', '/search?q=order'),
    page('profile', 'ada', '/me'),
    page('profile-access', 'ada', '/me/access'),
    page('profile-sessions', 'ada', '/me/sessions'),
    page('profile-password', 'ada', '/me/password'),
    page('profile-preferences', 'ada', '/me/preferences'),

    page('workspace-register', 'ada', '/register'),
    page('workspace', 'ada', shop),
    page('projects', 'ada', `${shop}/projects`),
    page('project-new', 'ada', `${shop}/projects/new`),
    page('project-new-platforms', 'ada', `${shop}/projects/new`, async (page) => {
      await page.locator('[name=displayName]').fill('Look only')
      for (const step of ['1', '2', '3']) {
        const environment = page.locator('[name="tag.environment"]:visible')
        if (await environment.count()) await environment.selectOption('test')
        await page.getByRole('button', { name: 'Next', exact: true }).click()
        await page.waitForFunction((step) => document.querySelector('main input[name=step]')?.value === step, step)
      }
    }),
    page('project', 'ada', `${shop}/p/checkout`),
    page('project-access', 'ada', `${shop}/p/checkout/access`),
    page('project-events', 'ada', `${shop}/p/checkout/events`),
    page('project-settings', 'ada', `${shop}/p/checkout/settings`),
    page('project-tags', 'ada', `${shop}/p/checkout/settings/tags`),
    page('project-deletion', 'ada', `${shop}/p/checkout/settings/deletion`),
    page('tenant-order', 'ada', `${shop}/p/photos/add`),
    page('tenant', 'ada', tenant),
    page('tenant-quotas', 'ada', `${tenant}/quotas`),
    page('tenant-replication', 'ada', `${tenant}/replication`),
    page('tenant-deletion', 'ada', `${tenant}/deletion`),
    page('access', 'ada', `${shop}/access`),
    page('access-new', 'ada', `${shop}/access/new?q=an`),
    page('access-groups', 'ada', `${shop}/access/groups`),
    page('access-expiring', 'ada', `${shop}/access/expiring`),
    page('access-keys', 'ada', `${shop}/access/keys`),
    page('access-key-new', 'ada', `${shop}/access/keys/new`),
    page('workspace-events', 'ada', `${shop}/compliance/events`),
    page('workspace-settings', 'ada', `${shop}/settings`),
    page('workspace-tags', 'ada', `${shop}/settings/tags`),
    page('workspace-deletion', 'chiara', `${shop}/settings/deletion`),

    page('market', 'ada', `${shop}/market`),
    page('market-entry', 'ada', `${shop}/market/${known.definition('Object storage')}`),
    page('market-order', 'ada', order('Analytics workbench')),
    page('market-order-tenant', 'ada', order('Backup plan')),
    page('blocks', 'ada', `${shop}/blocks`),
    page('block', 'ada', block('Orders database')),
    page('block-inputs', 'ada', block('Orders database', '/inputs')),
    page('block-runs', 'ada', block('Orders database', '/runs')),
    page('block-dependencies', 'ada', block('Search node 1', '/deps')),
    page('block-upgrade', 'ada', block('Order exports', '/upgrade')),
    page('block-events', 'ada', block('Orders database', '/events')),
    page('block-deletion', 'ada', block('Orders database', '/deletion')),
    page('block-waiting', 'ada', block('Certificate of the payment page')),
    page('block-waiting-for-a-parent', 'ada', block('resizer.intern.example.org')),
    page('block-failed', 'ada', block('Search node 2')),
    page('run', 'ada', block('Orders database', `/runs/${known.run('Orders database')}`)),
    page('run-failed', 'ada', block('Search node 2', `/runs/${known.run('Search node 2')}`)),
    page('run-live', 'ada', block('Image resizer', `/runs/${known.run('Image resizer')}`)),

    page('build', 'jonas', build),
    page('build-definitions', 'jonas', `${build}/definitions`),
    page('build-definition-new', 'jonas', `${build}/definitions/new`),
    page('build-definition', 'jonas', `${build}/definitions/${known.definition('Object storage')}`),
    page('build-blocks', 'jonas', `${build}/blocks`),
    page('build-block', 'jonas', `${build}/blocks/${known.block('Payment provider')}`),
    page('build-runs', 'jonas', `${build}/runs`),
    page('build-run', 'jonas', `${build}/runs/${known.run('Search node 2')}`),
    page('build-runners', 'jonas', `${build}/runners`),
    page('build-integrations', 'jonas', `${build}/integrations`),
    page('build-platforms', 'jonas', `${build}/platforms`),
    page('build-platform', 'jonas', `${build}/platforms/${known.platform('Spaces berlin')}`),
    page('build-landing-zones', 'jonas', `${build}/landing-zones`),
    page('build-types', 'jonas', `${build}/types`),
    page('build-tenants', 'jonas', `${build}/tenants`),
    page('build-deletions', 'jonas', `${build}/deletions`),
    page('build-quotas', 'jonas', `${build}/quotas`),

    ...['', 'workspaces', 'projects', 'payment-methods', 'platforms', 'types', 'locations', 'landing-zones', 'tenants', 'deletions', 'reviews', 'definitions', 'blocks', 'runs',
      'runners', 'integrations', 'users', 'groups', 'access', 'project-roles', 'keys', 'tags', 'events', 'messages', 'communications', 'settings']
      .map((tail) => page(tail ? `admin-${tail}` : 'admin', 'ingrid', tail ? `/admin/${tail}` : '/admin')),
    page('admin-communication', 'ingrid', `/admin/communications/${known.message('shop')}`),
    page('admin-message', 'ingrid', `/admin/communications/${known.message('shop')}/message`),
    page('admin-workspace', 'ingrid', '/admin/workspaces/shop'),
    page('admin-workspace-people', 'ingrid', '/admin/workspaces/shop/people'),
    page('admin-user', 'ingrid', '/admin/users/ada'),
    page('admin-finops', 'felix', '/admin'),
    page('admin-auditor', 'noor', '/admin/events'),
  ]
}
