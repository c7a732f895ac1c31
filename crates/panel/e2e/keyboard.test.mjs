// Somebody orders a service without ever touching the mouse.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { closed, open } from './browser.mjs'
import { shared } from './stoa.mjs'

describe('the keyboard alone', async () => {
  let stoa
  before(async () => {
    stoa = await shared()
  })
  after(async () => {
    await closed()
    await stoa.stop()
  })

  /** What has the focus: its name for people, or the name of its field. */
  const focused = (page) => page.evaluate(() => {
    const element = document.activeElement
    return { name: (element.getAttribute('aria-label') ?? element.textContent ?? '').trim(), field: element.getAttribute('name') ?? '', id: element.id, tag: element.tagName }
  })

  /** Presses Tab until the focus is where it should be; it is visible all the way. */
  async function reach(page, what, wanted) {
    for (let step = 0; step < 80; step += 1) {
      await page.keyboard.press('Tab')
      const here = await focused(page)
      if (here.tag !== 'BODY') {
        const box = await page.evaluate(() => document.activeElement.checkVisibility())
        assert.ok(box, `the focus is on something that is not shown: ${JSON.stringify(here)}`)
      }
      if (wanted(here)) return
    }
    assert.fail(`Tab never reaches ${what} on ${page.url()}`)
  }

  test('orders a message queue', async () => {
    const page = await open(stoa, 'ada')
    await page.goto('/w/shop/market')
    await page.keyboard.press('Tab')
    assert.match((await focused(page)).name, /skip to the content/i, 'the first stop leads past the navigation')
    await page.keyboard.press('Enter')
    await reach(page, 'the service', ({ name }) => name.includes('Message queue'))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Message queue', level: 1 }).waitFor()
    await reach(page, 'the order', ({ name, tag }) => tag === 'A' && name === 'Order')
    await page.keyboard.press('Enter')
    await page.locator('#displayName').waitFor()
    await reach(page, 'the name', ({ id }) => id === 'displayName')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('Keyboard events')
    await reach(page, 'the first input', ({ field }) => field === 'in.name')
    await page.keyboard.type('keyboard-events')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Order now' }).waitFor()
    await reach(page, 'the last step', ({ name, tag }) => tag === 'BUTTON' && name === 'Order now')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/w\/shop\/b\//)
    await page.getByText('Succeeded').first().waitFor({ timeout: 60_000 })
    page.clean()
    await page.done()
  })
})
