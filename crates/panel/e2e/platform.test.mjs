// A platform team makes a product of its own a platform: type, definition with the tenant's id and sign-in link, landing
// zone, a try in a project of its own, publishing; then another team gets a tenant on it (journey 9.8).

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SIZES, axe, closed, open } from './browser.mjs'
import { shared } from './stoa.mjs'
import { until } from '../../../scripts/seed/client.mjs'

describe('a platform of one\'s own', async () => {
  let stoa
  before(async () => {
    stoa = await shared()
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  const button = (page, name) => page.locator('main').getByRole('button', { name, exact: true }).first()
  const build = '/w/platform-team/build'

  /** Goes to the next step of a wizard, and waits until it is there. */
  async function next(page) {
    const here = await page.locator('main input[name=step]').inputValue()
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await page.waitForFunction((here) => document.querySelector('main input[name=step]')?.value !== here, here)
  }

  /** Orders a tenant on it, and waits until it is ready. */
  async function order(page, project, code) {
    await page.goto(`${project}/add`)
    await page.locator('label', { hasText: 'Wiki of the house' }).click()
    await next(page)
    await page.locator('label', { hasText: 'Wiki, as it comes' }).click()
    await next(page)
    // What the landing zone brings asks a question, and for a secret at the very end.
    await page.getByText('Space in the wiki').first().waitFor()
    await page.locator('[name$=".title"]').fill('Kitchen & garden')
    assert.equal(await page.locator('input[type=password]').count(), 0, 'secrets wait for the last step')
    await next(page)
    await next(page)
    await page.getByText('Kitchen & garden').first().waitFor()
    await page.locator('[name$=".code"]').fill(code)
    await page.getByRole('button', { name: 'Back', exact: true }).click()
    await page.waitForFunction(() => document.querySelector('main input[name=step]')?.value === '3')
    assert.ok(!(await page.content()).includes(code), 'no page holds the secret')
    await next(page)
    assert.equal(await page.locator('[name$=".code"]').inputValue(), '')
    await page.locator('[name$=".code"]').fill(code)
    await button(page, 'Order tenant').click()
    await page.waitForURL(new RegExp(`${project}/t/`))
    const uuid = /\/t\/([0-9a-f-]{36})/.exec(page.url())[1]
    const tenant = () => stoa.admin.get(`/api/meshobjects/meshtenants/${uuid}`)
    await until('the tenant is ready', async () => (await tenant()).status.phase === 'READY').catch(async (error) => {
      const blocks = (await stoa.admin.list('meshbuildingblocks')).filter(({ spec }) => spec.targetRef.uuid === uuid)
      throw new Error(`${error.message}: ${JSON.stringify([(await tenant()).status, ...blocks.map(({ status }) => status)])}`)
    })
    await page.reload()
    await page.getByRole('link', { name: /Sign in/ }).first().waitFor()
    assert.equal(await page.getByRole('link', { name: /Sign in/ }).first().getAttribute('href'), 'https://wiki.example.org/start')
    assert.ok(!(await page.content()).includes(code))
  }

  test('is made, tried, published and used', { timeout: 240_000 }, async () => {
    const page = await open(stoa, 'jonas')
    await page.goto(`${build}/types/new`)
    await page.locator('[name=displayName]').fill('House wiki')
    await page.locator('[name=name]').fill('HOUSE-WIKI')
    await button(page, 'Create platform type').click()
    await page.waitForURL(/\/build\/types$/)

    await page.goto(`${build}/platforms/new`)
    await page.locator('[name=type]').selectOption('HOUSE-WIKI')
    await page.locator('[name=displayName]').fill('Wiki of the house')
    await page.locator('[name=name]').fill('wiki')
    await page.locator('[name=location]').selectOption({ index: 1 })
    await button(page, 'Add platform').click()
    await page.waitForURL(/\/build\/platforms\/[0-9a-f-]{36}/)
    const platform = page.url()
    await page.getByText('On the way to the marketplace').first().waitFor()
    await page.getByText('Private').first().waitFor()

    // By hand, so inputs come out as outputs: the tenant's id, and where to sign in.
    await page.goto(`${build}/definitions/new`)
    await page.locator('[name=displayName]').fill('Space in the wiki')
    await page.locator('[name=description]').fill('Pages of a project, in the wiki of the house')
    await page.locator('[name=targetType]').selectOption('TENANT_LEVEL')
    await page.locator('[name=platforms][value="HOUSE-WIKI"]').check({ force: true })
    await button(page, 'Create definition').click()
    await page.waitForURL(/\/definitions\/[0-9a-f-]{36}\/implementation/)
    const at = page.url().replace(/\/implementation.*/, '')
    await page.locator('[name=type]').first().selectOption('manual')
    await button(page, 'Save draft').click()
    const inputs = [
      { key: 'id', displayName: 'Id', source: 'MESHSTACK_TENANT_UUID' },
      { key: 'link', displayName: 'Where to sign in', source: 'STATIC', value: 'https://wiki.example.org/start' },
      { key: 'title', displayName: 'Title', source: 'USER_INPUT' },
      { key: 'code', displayName: 'Code of the archive', source: 'USER_INPUT', secret: true },
    ]
    for (const { key, displayName, source, value, secret } of inputs) {
      await page.goto(`${at}/inputs/new`)
      await page.locator('[name=key]').fill(key)
      await page.locator('[name=displayName]').fill(displayName)
      await page.locator('[name=type]').selectOption('STRING')
      await page.locator('[name=source]').selectOption(source)
      if (value) await page.locator('[name=value]').fill(value)
      if (secret) await page.locator('[name=isSensitive]').check()
      await button(page, 'Save draft').click()
      await page.waitForURL(`${at}/inputs`)
    }
    for (const [key, use] of [['id', 'PLATFORM_TENANT_ID'], ['link', 'SIGN_IN_URL']]) {
      await page.goto(`${at}/outputs/${key}`)
      await page.locator('[name=use]').selectOption(use)
      await button(page, 'Save draft').click()
      await page.waitForURL(`${at}/outputs`)
    }
    await page.goto(`${at}/publication`)
    await page.locator('[name=sure]').check()
    await page.locator('main').getByRole('button', { name: /^Release/ }).first().click()
    await page.getByText(/waits for a review|is released|in the marketplace/).first().waitFor()

    await page.goto(`${platform}/zones`)
    await page.getByRole('link', { name: 'Add landing zone' }).first().click()
    await page.locator('[name=displayName]').fill('Wiki, as it comes')
    await page.locator('[name=name]').fill('wiki-default')
    const audience = page.locator('select[name="tag.audience"]')
    if (await audience.count()) await audience.selectOption({ index: 1 })
    await button(page, 'Add landing zone').click()
    await page.waitForURL(/\/landing-zones\/wiki-default/)
    await page.locator('label', { hasText: 'Space in the wiki' }).locator('[name=mandatory]').check({ force: true })
    await button(page, 'Save').click()
    await page.getByText('Saved.').first().waitFor()

    await order(page, '/w/platform-team/p/observability', 'thyme-and-salt')
    await axe(page)

    await page.goto(`${platform}/publication`)
    await page.locator('[name=message]').fill('Tried with our own project')
    await button(page, 'Submit for publishing').click()
    await page.getByText('It waits for a review').first().waitFor()
    const administrator = await open(stoa, 'ingrid')
    await administrator.goto('/admin/reviews')
    for (const name of ['Wiki of the house', 'Space in the wiki']) {
      await administrator.goto('/admin/reviews')
      const link = administrator.getByRole('link', { name }).first()
      if (!(await link.count())) continue
      await link.click()
      await administrator.locator('[name=comment]').fill('Good to have')
      await button(administrator, 'Approve').click()
      await administrator.waitForURL(/\/admin\/reviews$/)
    }
    administrator.clean()
    await administrator.done()

    const team = await open(stoa, 'ada', { size: SIZES.phone })
    await order(team, '/w/shop/p/checkout', 'rosemary-and-oil')
    team.clean()
    await team.done()
    // The platform team sees both.
    await page.goto(`${platform}/tenants`)
    await page.getByText('shop.checkout').first().waitFor()
    page.clean()
    await page.done()
  })
})
