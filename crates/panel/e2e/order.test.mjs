// An application team finds a service, orders it with a form of every kind of input, watches its run live, and uses what
// comes out (journeys 9.4 to 9.6).

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SIZES, axe, closed, open } from './browser.mjs'
import { cuttable } from './cuttable.mjs'
import { known } from './known.mjs'
import { PASSWORD, shared } from './stoa.mjs'
import { until } from '../../../scripts/seed/client.mjs'

describe('an order', async () => {
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

  const field = (page, key) => page.locator(`[name="in.${key}"]`)

  /** Fills in the form of the analytics workbench, which has an input of every type. */
  async function fill(page, name) {
    await page.locator('#displayName').fill(name)
    await field(page, 'name').fill(name.toLowerCase().replaceAll(' ', '-'))
    for (const fold of await page.locator('main details:not([open]) > summary').all()) await fold.click()
    await field(page, 'size_gib').fill('75')
    await field(page, 'highly_available').check()
    await field(page, 'plan').selectOption('medium')
    await page.locator('label', { hasText: /^sql$/ }).click()
    await field(page, 'packages').fill('["polars", "duckdb"]')
    await field(page, 'settings').fill('{"theme": "dark"}')
  }

  for (const [device, size] of Object.entries(SIZES)) {
    test(`with every kind of input, on a ${device}`, async () => {
      const page = await open(stoa, 'ada', { size })
      await page.goto('/w/shop/market')
      await page.getByRole('searchbox').first().fill('workbench')
      await page.waitForURL(/q=workbench/)
      await page.getByRole('link', { name: 'Analytics workbench' }).click()
      await page.getByRole('heading', { name: 'Analytics workbench', level: 1 }).waitFor()
      await page.getByRole('link', { name: 'Order', exact: true }).click()

      const name = `Notebooks ${device}`
      await fill(page, name)
      await field(page, 'name').fill('Not a name')
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByText('Use 2 to 30 lower-case letters').first().waitFor()
      assert.equal(await field(page, 'size_gib').inputValue(), '75', 'a refused form keeps what was entered')
      assert.equal(await field(page, 'settings').inputValue(), '{"theme": "dark"}')
      await field(page, 'name').fill(`notebooks-${device}`)
      await page.getByRole('button', { name: 'Continue' }).click()

      await page.getByRole('button', { name: 'Order now' }).waitFor()
      for (const value of [name, '75', 'medium', 'polars']) await page.getByText(value).first().waitFor()
      await field(page, 'password').fill('kept in no page')
      await page.getByRole('button', { name: 'Order now' }).click()

      await page.waitForURL(/\/w\/shop\/b\/[0-9a-f-]{36}/)
      const uuid = /\/b\/([0-9a-f-]{36})/.exec(page.url())[1]
      const { spec } = await until('the block is made', async () => {
        const found = await stoa.admin.get(`/api/meshobjects/meshbuildingblocks/${uuid}`)
        return found.status.status === 'SUCCEEDED' && found
      })
      assert.equal(spec.inputs.size_gib.value, 75)
      assert.equal(spec.inputs.highly_available.value, true)
      assert.equal(spec.inputs.plan.value, 'medium')
      assert.deepEqual(spec.inputs.extensions.value, ['python', 'sql'])
      assert.deepEqual(JSON.parse(spec.inputs.packages.value), ['polars', 'duckdb'])

      await page.goto(`/w/shop/b/${uuid}`)
      await page.locator(`main a[href="https://notebooks-${device}.shop.workbench.example.org"]`).first().waitFor()
      assert.ok(!(await page.content()).includes('kept in no page'), 'a secret never reaches the browser')
      await axe(page)
      page.clean()
      await page.done()
    })
  }

  test('says what is wrong with a field as soon as one leaves it', async () => {
    const page = await open(stoa, 'ada')
    await page.goto(`/w/shop/market/${things.definition('Analytics workbench')}/order`)
    await page.evaluate(() => { globalThis.same = true })
    await field(page, 'name').fill('Not a name')
    await page.locator('#displayName').focus()
    await page.getByText('Use 2 to 30 lower-case letters').waitFor()
    assert.equal(await field(page, 'name').getAttribute('aria-invalid'), 'true')
    assert.equal(await field(page, 'name').inputValue(), 'Not a name')
    await axe(page)
    await field(page, 'name').fill('a-name')
    await page.locator('#displayName').focus()
    await page.getByText('Use 2 to 30 lower-case letters').waitFor({ state: 'detached' })
    assert.equal(await field(page, 'name').getAttribute('aria-invalid'), null)
    assert.equal(await page.evaluate(() => globalThis.same), true, 'the page was not loaded again')
    page.clean()
    await page.done()
  })

  test('works without script, from the search to what came of it', async () => {
    const page = await open(stoa, 'ada', { script: false })
    await page.goto('/w/shop/market')
    await page.locator('main input[name=q]').fill('workbench')
    await page.locator('main input[name=q]').press('Enter')
    await page.waitForURL(/q=workbench/)
    await page.getByRole('link', { name: 'Analytics workbench' }).click()
    await page.getByRole('link', { name: 'Order', exact: true }).click()
    await fill(page, 'Notebooks by hand')
    await field(page, 'name').fill('Not a name')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Use 2 to 30 lower-case letters').first().waitFor()
    assert.equal(await field(page, 'size_gib').inputValue(), '75', 'a refused form keeps what was entered')
    await field(page, 'name').fill('notebooks-by-hand')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'Back' }).click()
    assert.equal(await field(page, 'name').inputValue(), 'notebooks-by-hand')
    await page.getByRole('button', { name: 'Continue' }).click()
    await field(page, 'password').fill('kept in no page')
    await page.getByRole('button', { name: 'Order now' }).click()
    await page.waitForURL(/\/w\/shop\/b\/[0-9a-f-]{36}/)
    const here = page.url()
    await until('the page leads to what was made', async () => {
      await page.goto(here)
      return (await page.locator('main a[href="https://notebooks-by-hand.shop.workbench.example.org"]').count()) > 0
    })
    // The steps and their logs are there as well.
    await page.goto(`${here}/runs`)
    await page.locator('main').getByRole('link', { name: /Run 1|^1$/ }).first().click()
    await page.locator('.stoa-step').first().waitFor()
    page.clean()
    await page.done()
  })

  for (const script of [true, false]) {
    test(`is looked at first, then applied or discarded, ${script ? 'live' : 'without script'}`, async () => {
      const page = await open(stoa, 'ada', { script })
      const main = page.locator('main')
      const button = (name) => main.getByRole('button', { name, exact: true }).first()
      const path = () => /\/w\/shop\/b\/[0-9a-f-]{36}/.exec(page.url())[0]
      const preview = async (name) => {
        await page.goto(`/w/shop/market/${things.definition('Message queue')}/order`)
        await page.locator('#displayName').fill(`Queue ${name}`)
        await field(page, 'name').fill(`queue-${name}`)
        await button('Continue').click()
        await button('Preview changes first').click()
        await page.waitForURL(/\/w\/shop\/b\/[0-9a-f-]{36}/)
      }
      // With script the page of the block becomes the plan's by itself.
      const planned = () => script ? button('Apply this plan').waitFor() : until('the plan is there', async () => {
        await page.reload()
        return (await button('Apply this plan').count()) > 0
      })
      await preview(script ? 'one' : 'two')
      await planned()
      await main.getByText(/Plan: \d+ to add/).first().waitFor()
      await main.getByText('Nothing is set up yet').first().waitFor()
      const here = path()
      if (script) await axe(page)
      await button('Apply this plan').click()
      await page.waitForURL(/\/runs\//)
      const uuid = here.split('/').at(-1)
      await until('the plan is applied', async () => (await stoa.admin.get(`/api/meshobjects/meshbuildingblocks/${uuid}`)).status.status === 'SUCCEEDED')

      await preview(script ? 'three' : 'four')
      await planned()
      const discarded = path().split('/').at(-1)
      await button('Discard').click()
      await main.getByText('It is gone').first().waitFor()
      const { status } = await stoa.admin.get(`/api/meshobjects/meshbuildingblocks/${discarded}`)
      assert.deepEqual([status.lifecycle.state, status.latestRunUuid], ['DELETED', null], 'no run took it down')
      page.clean()
      await page.done()
    })
  }

  test('whose session ends at the last step is shown again, but not its secret, and goes on', async () => {
    const page = await open(stoa, 'ada', { fresh: true })
    await page.goto(`/w/shop/market/${things.definition('Analytics workbench')}/order`)
    await fill(page, 'Notebooks of an evening')
    await page.getByRole('button', { name: 'Continue' }).click()
    await field(page, 'password').fill('typed too late')
    // The session ends at the server, as when an administrator ends it; the browser does not know.
    const csrf = await page.locator('main input[name=csrf]').first().inputValue()
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const ended = await fetch(`${stoa.url}/logout`, { method: 'POST', headers: { cookie }, body: new URLSearchParams({ csrf }), redirect: 'manual' })
    assert.equal(ended.status, 303)
    await page.getByRole('button', { name: 'Order now' }).click()
    await page.getByText('You were signed out meanwhile').waitFor()
    assert.ok(!(await page.content()).includes('typed too late'), 'a secret is not sent back')
    await page.fill('input[name=username]', 'ada')
    await page.fill('input[name=password]', PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('Notebooks of an evening').first().waitFor()
    assert.equal(await field(page, 'password').inputValue(), '')
    await field(page, 'password').fill('typed in time')
    await page.getByRole('button', { name: 'Order now' }).click()
    await page.waitForURL(/\/w\/shop\/b\/[0-9a-f-]{36}/)
    page.clean()
    await page.done()
  })

  test('is watched live: steps appear as they are reported, and the end without a reload', async () => {
    const page = await open(stoa, 'ada')
    const run = things.run('Image resizer')
    await page.goto(`/w/shop/b/${things.block('Image resizer')}/runs/${run}`)
    await page.getByText('Create the machine').first().waitFor()
    await page.evaluate(() => { globalThis.same = true })
    const source = `/api/meshobjects/meshbuildingblockruns/${run}/status/source/pipeline`
    await stoa.admin.patch(source, { status: 'IN_PROGRESS', steps: [{ id: 'machine', status: 'IN_PROGRESS', userMessage: 'A host is free now', systemMessage: 'host-21: 40 GiB free\n' }] })
    await page.getByText('A host is free now').first().waitFor()
    assert.equal(await page.evaluate(() => globalThis.same), true, 'the page was not loaded again')
    await page.done()
  })

  test('whose stream is cut says so, and goes on where it was', { timeout: 60_000 }, async () => {
    const between = await cuttable(stoa.url)
    const page = await open({ url: between.url }, 'ada')
    const run = things.run('Image resizer')
    const source = `/api/meshobjects/meshbuildingblockruns/${run}/status/source/pipeline`
    const tell = (userMessage, systemMessage) =>
      stoa.admin.patch(source, { status: 'IN_PROGRESS', steps: [{ id: 'machine', status: 'IN_PROGRESS', userMessage, systemMessage }] })
    const said = 'host-21: asked\n'
    await tell('Before the cut', said)
    await page.goto(`/w/shop/b/${things.block('Image resizer')}/runs/${run}`)
    await page.locator('[data-run-live=live]').waitFor()
    await page.getByText('Before the cut').first().waitFor()
    await page.evaluate(() => { globalThis.same = true })
    between.cut()
    await page.locator('[data-run-live=lost]').waitFor()
    await tell('While nobody listened', `${said}host-22: asked\n`)
    between.mend()
    await page.getByText('While nobody listened').first().waitFor({ timeout: 30_000 })
    await page.locator('[data-run-live=live]').waitFor()
    await tell('After the cut', `${said}host-22: asked\nhost-23: free\n`)
    await page.getByText('After the cut').first().waitFor()
    assert.equal(await page.evaluate(() => globalThis.same), true, 'the page was not loaded again')
    const log = await page.locator('.stoa-step', { hasText: 'After the cut' }).locator('.stoa-log-pane').innerText()
    for (const host of ['host-21', 'host-22', 'host-23']) assert.equal(log.split(host).length, 2, `${host} stands once in ${log}`)
    page.clean()
    await page.done()
    await between.stop()
  })
})
