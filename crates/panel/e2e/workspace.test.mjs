// A team registers its workspace, makes a project in it and orders a tenant (journeys 9.1 to 9.3), wide and narrow.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SIZES, closed, open } from './browser.mjs'
import { shared } from './stoa.mjs'

describe('a team', async () => {
  let stoa
  before(async () => {
    stoa = await shared()
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  /** Goes to the next step of a wizard, and waits until it is there. */
  async function next(page) {
    const here = await page.locator('main input[name=step]').inputValue()
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await page.waitForFunction((here) => document.querySelector('main input[name=step]')?.value !== here, here)
  }

  for (const [device, size] of Object.entries(SIZES)) {
    test(`registers, makes a project and orders a tenant, on a ${device}`, { timeout: 180_000 }, async () => {
      const page = await open(stoa, 'yuki', { size })
      await page.goto('/register')
      await page.getByRole('button', { name: 'Next', exact: true }).waitFor()
      await page.getByLabel('Name', { exact: false }).first().fill(`Returns ${device}`)
      await next(page)
      // The cost center must be four digits: the refusal leads back to the field, and what was entered stays.
      const center = page.locator('[name="tag.costCenter"]').and(page.locator(':visible')).first()
      const create = page.getByRole('button', { name: /Create/ }).last()
      await center.fill('twelve')
      for (const shown of ['You become its owner', `returns-${device}`]) {
        await next(page)
        await page.getByText(shown).first().waitFor()
      }
      await create.click()
      await page.locator('.invalid-feedback, [role=alert]').first().waitFor()
      assert.equal(await center.inputValue(), 'twelve')
      await center.fill('5510')
      await next(page)
      await next(page)
      await create.click()
      await page.waitForURL(new RegExp(`/w/returns-${device}`))

      const home = `/w/returns-${device}`
      await page.goto(`${home}/projects/new`)
      await page.locator('[name=displayName]').fill('Labels')
      await next(page)
      await page.locator('[name="tag.environment"]').selectOption('test')
      await next(page)
      await next(page)
      // A project may begin with a tenant; which landing zone has to be said where there are several.
      const platform = page.locator('input[name=tenant]:not([disabled])').first()
      await platform.waitFor()
      await next(page)
      await page.locator('[name="me.role"]').selectOption({ index: 1 })
      await next(page)
      await page.getByRole('button', { name: 'Create project' }).click()
      await page.waitForURL(new RegExp(`${home}/p/labels`))
      await page.getByRole('heading', { name: 'Labels', level: 1 }).waitFor()

      await page.getByRole('link', { name: 'Add tenant' }).first().click()
      await page.locator('label', { hasText: 'Spaces oslo' }).click()
      await next(page)
      await page.locator('label', { hasText: 'spaces-oslo-default' }).click()
      await next(page)
      await page.getByText('Space on oslo').first().waitFor()
      await next(page)
      await next(page)
      await page.getByRole('button', { name: /Create|Order|Add tenant/ }).last().click()
      await page.waitForURL(new RegExp(`${home}/p/labels/t/`))
      // The connector runs for real, and the page follows it.
      await page.getByText(`returns-${device}.labels`).first().waitFor({ timeout: 60_000 })
      await page.getByRole('link', { name: /Sign in/ }).first().waitFor({ timeout: 60_000 })
      page.clean()
      await page.done()
    })
  }

  test('gives somebody a role, and takes it again', async () => {
    const page = await open(stoa, 'chiara')
    await page.goto('/w/shop/access/new?q=emil')
    await page.getByRole('button', { name: /Emil/ }).first().click()
    await page.locator('[name=role]').selectOption({ label: 'Member' }).catch(() => page.locator('[name=role]').selectOption({ index: 1 }))
    await page.getByRole('button', { name: 'Add people' }).click()
    await page.waitForURL(/\/w\/shop\/access$/)
    await page.getByText('Emil Sørensen').first().waitFor()
    const bindings = await stoa.admin.get('/api/meshobjects/meshworkspacebindings/userbindings?workspaceIdentifier=shop&userIdentifier=emil')
    assert.ok(JSON.stringify(bindings).includes('emil'))
    page.clean()
    await page.done()
  })

  test('makes an API key, whose secret is shown once', async () => {
    const page = await open(stoa, 'chiara')
    await page.goto('/w/shop/access/keys')
    await page.getByRole('link', { name: /New|Create/ }).first().click()
    await page.getByLabel('Name').first().fill('Night job')
    await page.locator('input[type=checkbox][value$="_LIST"]').first().check()
    await page.getByRole('button', { name: /Create/ }).last().click()
    await page.getByText(/once/).first().waitFor()
    await page.goto('/w/shop/access/keys')
    await page.getByText('Night job').first().waitFor()
    page.clean()
    await page.done()
  })
})
