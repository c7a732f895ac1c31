// A platform team makes a definition, fills it, releases it; an administrator decides; another team orders it; the next
// version goes live at once (journeys 9.7 and 9.9).

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { closed, open } from './browser.mjs'
import { shared } from './stoa.mjs'
import { until } from '../../../scripts/seed/client.mjs'

describe('a platform team', async () => {
  let stoa
  before(async () => {
    stoa = await shared()
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  const button = (page, name) => page.locator('main').getByRole('button', { name, exact: true }).first()

  test('offers a service, an administrator approves it, a team orders it', { timeout: 180_000 }, async () => {
    const builder = await open(stoa, 'jonas')
    await builder.goto('/w/platform-team/build/definitions')
    await builder.getByRole('link', { name: /New definition|Create/ }).first().click()
    await builder.locator('[name=displayName]').fill('Badge printer')
    await builder.locator('[name=description]').fill('A place in the queue of the printer for badges')
    await builder.locator('[name=targetType]').selectOption('WORKSPACE_LEVEL')
    await button(builder, 'Create definition').click()
    await builder.waitForURL(/\/definitions\/[0-9a-f-]{36}\/implementation/)
    const uuid = /\/definitions\/([0-9a-f-]{36})/.exec(builder.url())[1]
    const at = `/w/platform-team/build/definitions/${uuid}`

    await builder.locator('[name=type]').first().selectOption('manual')
    await button(builder, 'Save draft').click()
    await builder.goto(`${at}/inputs/new`)
    await builder.locator('[name=key]').fill('badge')
    await builder.locator('[name=displayName]').fill('Name on the badge')
    await builder.locator('[name=type]').selectOption('STRING')
    await builder.locator('[name=source]').selectOption('USER_INPUT')
    await builder.locator('[name=regex]').fill('[A-Z].{1,40}')
    await builder.locator('[name=regexMessage]').fill('Begin with a capital letter')
    await button(builder, 'Save draft').click()
    await builder.waitForURL((url) => url.pathname === `${at}/inputs`)
    await builder.getByText('Name on the badge').first().waitFor()

    await builder.goto(`${at}/publication`)
    await builder.locator('[name=sure]').check()
    await button(builder, 'Release and submit for publishing').click()
    await builder.getByText('waits for a review').first().waitFor()

    // Nobody else sees it before somebody has looked at it.
    const team = await open(stoa, 'ada')
    await team.goto('/w/shop/market?q=badge')
    assert.equal(await team.getByRole('link', { name: 'Badge printer' }).count(), 0)

    const administrator = await open(stoa, 'ingrid')
    await administrator.goto('/admin/reviews')
    await administrator.getByRole('link', { name: 'Badge printer' }).click()
    await button(administrator, 'Reject').click()
    await administrator.getByText('Say why.').first().waitFor()
    await administrator.locator('[name=comment]').fill('Good to have')
    await button(administrator, 'Approve').click()
    await administrator.waitForURL(/\/admin\/reviews$/)
    administrator.clean()
    await administrator.done()

    await team.goto('/w/shop/market?q=badge')
    await team.getByRole('link', { name: 'Badge printer' }).click()
    await team.getByRole('link', { name: 'Order', exact: true }).click()
    await team.locator('[name="in.badge"]').fill('ada')
    await button(team, 'Continue').click()
    await team.getByText('Begin with a capital letter').first().waitFor()
    await team.locator('[name="in.badge"]').fill('Ada')
    await button(team, 'Continue').click()
    await button(team, 'Order now').click()
    await team.waitForURL(/\/w\/shop\/b\//)
    await team.getByText('Succeeded').first().waitFor({ timeout: 30_000 })
    team.clean()
    await team.done()

    await builder.goto(`${at}/versions`)
    const drafted = builder.waitForResponse((reply) => reply.request().method() === 'POST')
    await button(builder, 'Draft a new version').click()
    await drafted
    await builder.goto(`${at}/publication`)
    await builder.locator('[name=sure]').check()
    await button(builder, 'Release').click()
    await builder.getByText('Version 2 is released').or(builder.getByText('Version 2 is in the marketplace')).first().waitFor()
    builder.clean()
    await builder.done()
  })

  test('answers an order that waits for it', async () => {
    const blocks = await stoa.admin.list('meshbuildingblocks')
    const { uuid } = blocks.find(({ spec }) => spec.displayName === 'Payment provider').metadata
    const page = await open(stoa, 'jonas')
    await page.goto('/w/platform-team/build/blocks?status=WAITING_FOR_OPERATOR_INPUT')
    await page.getByRole('link', { name: 'Payment provider' }).first().click()
    await page.locator('[name$="ticket"]').fill('CHG004999')
    await page.locator('main').getByRole('button', { name: /save|run/i }).first().click()
    const status = async () => (await stoa.admin.get(`/api/meshobjects/meshbuildingblocks/${uuid}`)).status.status
    await until('the block is done', async () => (await status()) === 'SUCCEEDED')
    await page.reload()
    await page.getByText('Succeeded').first().waitFor()
    page.clean()
    await page.done()
  })
})
