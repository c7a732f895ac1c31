// Every page of the panel: its name, who looks at it, where it is in the seeded organization. The accessibility check
// and the screenshots go through this list.

/** All pages; `known` finds what addresses need. */
export function pages(known) {
  const shop = '/w/shop'
  const build = '/w/platform-team/build'
  const page = (name, as, path) => ({ name, as, path })
  const block = (name, tail = '') => `${shop}/b/${known.block(name)}${tail}`
  return [
    page('login', undefined, '/login'),

    page('home', 'ada', '/home'),
    page('profile', 'ada', '/me'),

    page('workspace', 'ada', shop),
    page('workspace-register', 'ada', '/register'),
    page('projects', 'ada', `${shop}/projects`),
    page('project-new', 'ada', `${shop}/projects/new`),
    page('project', 'ada', `${shop}/p/storefront`),
  ]
}
