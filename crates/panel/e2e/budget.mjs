// Measures in the browser what the panel promises to people, and prints it beside the promise.

import { setTimeout as sleep } from 'node:timers/promises'
import { SIZES, closed, open } from './browser.mjs'
import { known } from './known.mjs'
import { shared } from './stoa.mjs'

const stoa = await shared()
const row = (what, promise, found, unit) => console.log(`${what.padEnd(58)} ${`≤ ${promise} ${unit}`.padStart(12)} ${`${found} ${unit}`.padStart(12)}${found > promise ? '  over' : ''}`)
const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
try {
  const things = await known(stoa.admin)
  for (const [name, path] of [['a list', '/w/shop/projects'], ['a building block', `/w/shop/b/${things.block('Orders database')}`]]) {
    const times = []
    let sent = 0
    for (let round = 0; round < 5; round += 1) {
      const first = await first_page(path)
      times.push(first.usable)
      sent = first.bytes
    }
    row(`${name}: first page usable, nothing cached`, 600, Math.round(middle(times)), 'ms')
    row(`${name}: first page transferred`, 250, Math.round(sent / 1024), 'KiB')
  }
  const page = await open(stoa, 'ada')
  await page.goto('/w/shop/projects')
  for (const [name, href] of [['marketplace', '/w/shop/market'], ['building blocks', '/w/shop/blocks'], ['projects', '/w/shop/projects']]) {
    const times = []
    for (let round = 0; round < 5; round += 1) {
      times.push(await change(page, href))
      await change(page, '/w/shop')
    }
    row(`change to ${name}`, 200, Math.round(middle(times)), 'ms')
  }
  row('a step of a run, from its report to the eye', 300, Math.round(middle(await live(page, things))), 'ms')
} finally {
  await closed()
  await stoa.stop()
}

/** A first visit: when the page is painted and its scripts have run, and what came over the wire. */
async function first_page(path) {
  const page = await open(stoa, 'ada', { size: SIZES.desktop })
  const session = await page.context().newCDPSession(page)
  let bytes = 0
  await session.send('Network.enable')
  await session.send('Network.setCacheDisabled', { cacheDisabled: true })
  session.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength })
  await page.goto(path, { waitUntil: 'load' })
  const usable = await page.evaluate(() => {
    const [navigation] = performance.getEntriesByType('navigation')
    const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0
    return Math.max(navigation.domContentLoadedEventEnd, painted)
  })
  await sleep(300)
  await page.done()
  return { usable, bytes }
}

/** Follows a link of the navigation: from the click to the new page in its place. */
async function change(page, href) {
  return page.evaluate(async (href) => {
    const link = document.querySelector(`aside a[href="${href}"]`)
    const began = performance.now()
    const settled = new Promise((done) => document.addEventListener('htmx:afterSettle', done, { once: true }))
    link.click()
    await settled
    await new Promise((done) => requestAnimationFrame(done))
    return performance.now() - began
  }, href)
}

/** Reports steps of a run that is under way, and looks when their messages are on the page. */
async function live(page, things) {
  const run = things.run('Image resizer')
  await page.goto(`/w/shop/b/${things.block('Image resizer')}/runs/${run}`)
  await sleep(1000)
  const times = []
  for (let round = 1; round <= 7; round += 1) {
    const said = `Looked at host ${round}${Date.now()}`
    const seen = page.getByText(said).first().waitFor().then(() => performance.now())
    await stoa.admin.patch(`/api/meshobjects/meshbuildingblockruns/${run}/status/source/pipeline`, { status: 'IN_PROGRESS', steps: [{ id: 'machine', status: 'IN_PROGRESS', userMessage: said }] })
    const reported = performance.now()
    times.push(Math.max(0, (await seen) - reported))
    await sleep(400)
  }
  return times
}
