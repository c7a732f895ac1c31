// An application team finds a service, orders it with a form of every kind of input, watches its run live, and uses what
// comes out (journeys 9.4 to 9.6).

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SIZES, axe, closed, open } from './browser.mjs'
import { known } from './known.mjs'
import { shared } from './stoa.mjs'
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
    await page.locator('details').evaluateAll((all) => all.forEach((one) => { one.open = true }))
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
})
