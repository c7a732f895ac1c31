// A run that failed tells both sides what they need; a run under way can be stopped by those who may.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { closed, open } from './browser.mjs'
import { known } from './known.mjs'
import { shared } from './stoa.mjs'
import { handedOver } from '../../../scripts/seed/orders.mjs'

describe('a run', async () => {
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

  test('that failed says to its team what to do', async () => {
    const page = await open(stoa, 'ada')
    await page.goto(`/w/shop/b/${things.block('Search node 2')}`)
    await page.getByText('Failed').first().waitFor()
    await page.goto(`/w/shop/b/${things.block('Search node 2')}/runs/${things.run('Search node 2')}`)
    await page.getByText('No host has 512 GiB of free memory').first().waitFor()
    page.clean()
    await page.done()
  })

  test('that failed in OpenTofu is explained by its own check', async () => {
    const page = await open(stoa, 'hanna')
    await page.goto(`/w/data/b/${things.block('Feature store')}/runs/${things.run('Feature store')}`)
    await page.getByText('Your workspace may use 1000 GiB').first().waitFor()
    page.clean()
    await page.done()
  })

  test('that failed shows its log to the platform team, in its colours', async () => {
    const page = await open(stoa, 'jonas')
    await page.goto(`/w/platform-team/build/runs/${things.run('Search node 2')}`)
    await page.locator('.stoa-log-line', { hasText: 'insufficient memory' }).first().waitFor()
    await page.locator('.stoa-log-line [class*=stoa-ink-]').first().waitFor({ state: 'attached' })
    assert.ok(!(await page.locator('main').innerText()).includes('\u001b['), 'codes of colours are not shown as text')
    page.clean()
    await page.done()
  })

  test('under way is followed live by the platform team', async () => {
    const page = await open(stoa, 'jonas')
    const run = things.run('Image resizer')
    await page.goto(`/w/platform-team/build/runs/${run}`)
    await page.locator('[data-run-live=live]').waitFor()
    await page.evaluate(() => { globalThis.same = true })
    const source = `/api/meshobjects/meshbuildingblockruns/${run}/status/source/pipeline`
    await stoa.admin.patch(source, { status: 'IN_PROGRESS', steps: [{ id: 'machine', status: 'IN_PROGRESS', userMessage: 'The operators see it, too', systemMessage: '\u001b[32mok\u001b[0m\n' }] })
    await page.getByText('The operators see it, too').first().waitFor()
    assert.equal(await page.evaluate(() => globalThis.same), true, 'the page was not loaded again')
    page.clean()
    await page.done()
  })

  test('that succeeded although a step did not carries a warning', async () => {
    const page = await open(stoa, 'grace')
    await page.goto(`/w/logistics/b/${things.block('Scanner gateway')}/runs/${things.run('Scanner gateway')}`)
    await page.getByText('nobody watches it yet').first().waitFor()
    await page.locator('.alert-warning').first().waitFor()
    page.clean()
    await page.done()
  })

  test('under way is stopped by the platform team', async () => {
    const { metadata } = await stoa.admin.post('/api/meshobjects/meshbuildingblocks', {
      apiVersion: 'v2-preview',
      kind: 'meshBuildingBlock',
      spec: {
        displayName: 'A machine too many',
        targetRef: { kind: 'meshWorkspace', name: 'logistics' },
        buildingBlockDefinitionVersionRef: { uuid: await version('Virtual machine') },
        inputs: { name: { value: 'too-many', isSensitive: false } },
      },
    })
    const block = async () => (await stoa.admin.get(`/api/meshobjects/meshbuildingblocks/${metadata.uuid}`)).status
    const run = await handedOver(stoa.admin, metadata.uuid)
    const page = await open(stoa, 'jonas')
    await page.goto(`/w/platform-team/build/runs/${run}`)
    await page.getByRole('button', { name: /abort|stop/i }).first().click()
    const sure = page.getByRole('dialog').getByRole('button', { name: /abort|stop/i })
    if (await sure.isVisible().catch(() => false)) await sure.click()
    await page.getByText('Aborted').first().waitFor()
    assert.equal((await block()).status, 'ABORTED')
    page.clean()
    await page.done()
  })

  async function version(name) {
    const uuid = things.definition(name)
    const all = await stoa.admin.list(`meshbuildingblockdefinitionversions?buildingBlockDefinitionUuid=${uuid}`)
    return all.filter(({ spec }) => spec.buildingBlockDefinitionRef.uuid === uuid && spec.state === 'RELEASED').at(-1).metadata.uuid
  }
})
