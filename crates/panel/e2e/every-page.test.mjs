// Every page of the list: accessible in light and dark, no wider than a phone, and nothing in it that should not be.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SIZES, closed, findings, open, overflow } from './browser.mjs'
import { known } from './known.mjs'
import { pages } from './pages.mjs'
import { shared } from './stoa.mjs'

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

  for (const colours of ['light', 'dark']) {
    test(`is accessible, ${colours}`, { timeout: 600_000 }, async () => {
      await walk({ colours }, findings)
    })
  }

  test('fits a phone', { timeout: 600_000 }, async () => {
    await walk({ size: SIZES.phone }, async (page) => {
      const wide = await overflow(page)
      return wide > 0 ? [`${wide} px wider than the window`] : []
    })
  })

  /** Goes through all pages, and tells everything that is wrong at the end. */
  async function walk(options, look) {
    const wrong = []
    const opened = new Map()
    for (const { name, as, path, prepare } of all) {
      if (!opened.has(as)) opened.set(as, await open(stoa, as, options))
      const page = opened.get(as)
      const reply = await page.goto(path)
      if (!reply.ok()) wrong.push(`${name}: ${path} was answered ${reply.status()}`)
      await prepare?.(page)
      if ((await page.locator('h1').count()) !== 1) wrong.push(`${name}: not exactly one h1`)
      wrong.push(...(await look(page)).map((finding) => `${name}: ${finding}`))
    }
    assert.deepEqual(wrong, [])
    for (const page of opened.values()) {
      page.clean()
      await page.done()
    }
  }
})
