// What somebody may not see is neither offered nor shown: entries are missing, and an address typed by hand leads to a
// page that says why.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { closed, findings, open } from './browser.mjs'
import { known } from './known.mjs'
import { shared } from './stoa.mjs'

describe('rights', async () => {
  let stoa
  let things
  before(async () => {
    stoa = await shared()
    things = await known(stoa.admin)
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  /** Goes to an address that is not for the reader; what comes is a page, in words, with a way back. */
  async function refused(page, path, codes) {
    const reply = await page.goto(path)
    assert.ok(codes.includes(reply.status()), `${path} was answered ${reply.status()}`)
    assert.match(reply.headers()['content-type'], /text\/html/, path)
    assert.equal(await page.locator('h1').count(), 1, `${path} has a heading`)
    assert.ok((await page.locator('a[href]').count()) > 0, `${path} leads somewhere`)
    assert.deepEqual(await findings(page), [], path)
  }

  test('of a manager: everything of the workspace', async () => {
    const page = await open(stoa, 'ada')
    await page.goto('/w/shop/projects')
    for (const name of ['Storefront', 'Checkout', 'Photos', 'Loyalty program']) await page.getByRole('link', { name }).first().waitFor()
    for (const name of ['Access', 'Settings', 'Event log']) assert.equal(await page.locator('aside').getByRole('link', { name, exact: true }).count(), 1, name)
    await page.done()
  })

  test('of a member: the projects that they are bound to', async () => {
    const page = await open(stoa, 'bob')
    await page.goto('/w/shop/projects')
    await page.getByRole('link', { name: 'Storefront' }).first().waitFor()
    for (const name of ['Checkout', 'Photos', 'Loyalty program']) assert.equal(await page.getByRole('link', { name }).count(), 0, name)
    for (const name of ['Access', 'Settings', 'Event log']) assert.equal(await page.locator('aside').getByRole('link', { name, exact: true }).count(), 0, name)
    for (const path of ['/w/shop/p/checkout', '/w/shop/settings', '/w/shop/access', '/w/shop/access/keys', '/w/shop/p/nothing-like-it']) await refused(page, path, [403, 404])
    page.clean()
    await page.done()
  })

  test('of other teams: nothing', async () => {
    const page = await open(stoa, 'yuki')
    for (const path of ['/w/shop', '/w/shop/projects', '/w/nothing-like-it', `/w/shop/b/${things.block('Orders database')}`, `/w/logistics/b/${things.block('Orders database')}`,
      `/w/logistics/b/${things.block('Orders database')}/runs/${things.run('Orders database')}`, '/w/platform-team/build', '/w/logistics/build']) await refused(page, path, [403, 404])
    page.clean()
    await page.done()
  })

  test('of administrators: theirs, and no more', async () => {
    const nobody = await open(stoa, 'ada')
    for (const path of ['/admin', '/admin/workspaces', '/admin/users', '/admin/events']) await refused(nobody, path, [403, 404])
    assert.equal(await nobody.getByRole('link', { name: 'Administration' }).count(), 0)
    await nobody.done()

    const finance = await open(stoa, 'felix')
    assert.equal((await finance.goto('/admin/payment-methods')).status(), 200)
    for (const path of ['/admin/users', '/admin/runs', '/admin/events', '/admin/access']) await refused(finance, path, [403, 404])
    await finance.done()

    const auditor = await open(stoa, 'noor')
    assert.equal((await auditor.goto('/admin/events')).status(), 200)
    for (const path of ['/admin/users', '/admin/workspaces', '/admin/payment-methods']) await refused(auditor, path, [403, 404])
    await auditor.done()
  })

  test('of strangers: to sign in, and then to where they wanted', async () => {
    const page = await open(stoa)
    await page.goto('/w/shop/projects?q=check')
    await page.waitForURL(/\/login/)
    await page.fill('input[name=username]', 'ada')
    await page.fill('input[name=password]', 'a walk through the orchard')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(/\/w\/shop\/projects\?q=check/)
    await page.getByRole('link', { name: 'Checkout' }).first().waitFor()
    page.clean()
    await page.done()
  })
})
