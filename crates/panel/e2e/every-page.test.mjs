// Every page of the list: accessible in light and dark, wide and narrow, no wider than a phone, and nothing in it that
// should not be. Each page is loaded once, and looked at in four ways; parts go side by side, so that it stays short.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SIZES, closed, findings, open, overflow } from './browser.mjs'
import { known } from './known.mjs'
import { pages } from './pages.mjs'
import { shared } from './stoa.mjs'

/** So many pages are looked at side by side. */
const SIDE_BY_SIDE = 3

/** What depends on colours and on nothing else. */
const COLOURS = ['color-contrast', 'link-in-text-block']

describe('every page', async () => {
  let stoa
  let all
  before(async () => {
    stoa = await shared()
    all = pages(await known(stoa.admin))
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  test('is accessible in light and dark, wide and on a phone, and fits both', { timeout: 180_000 }, async () => {
    const wrong = []
    const left = [...all]
    const walk = async () => {
      const opened = new Map()
      for (let next = left.shift(); next; next = left.shift()) {
        if (!opened.has(next.as)) opened.set(next.as, await open(stoa, next.as))
        wrong.push(...await look(opened.get(next.as), next))
      }
      for (const page of opened.values()) {
        page.clean()
        await page.done()
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, walk))
    assert.deepEqual(wrong, [])
  })

  /** Changes the system's colours, which the page follows. */
  async function coloured(page, colours) {
    await page.emulateMedia({ colorScheme: colours })
    await page.locator(`html[data-bs-theme=${colours}]`).waitFor({ state: 'attached' })
  }

  /** Everything that is wrong with one page. */
  async function look(page, { name, path, prepare }) {
    const wrong = []
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize(SIZES.desktop)
    const reply = await page.goto(path)
    if (!reply.ok()) wrong.push(`${path} was answered ${reply.status()}`)
    await prepare?.(page)
    if ((await page.locator('h1').count()) !== 1) wrong.push('not exactly one h1')
    wrong.push(...await findings(page))
    await coloured(page, 'dark')
    wrong.push(...(await findings(page, COLOURS)).map((finding) => `dark: ${finding}`))
    await page.setViewportSize(SIZES.phone)
    wrong.push(...(await findings(page)).map((finding) => `dark, on a phone: ${finding}`))
    await coloured(page, 'light')
    wrong.push(...(await findings(page, COLOURS)).map((finding) => `on a phone: ${finding}`))
    const wide = await overflow(page)
    if (wide > 0) wrong.push(`${wide} px wider than a phone`)
    return wrong.map((finding) => `${name}: ${finding}`)
  }
})
