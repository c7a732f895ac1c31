// Writes every page, light and dark, as a desktop and a phone show it, to docs/img/.
//
//   node screenshots.mjs [--to FOLDER] [NAME…]      names of pages narrow them

import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { SIZES, closed, open, overflow } from './browser.mjs'
import { known } from './known.mjs'
import { pages } from './pages.mjs'
import { shared } from './stoa.mjs'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { to: { type: 'string' } } })
const target = values.to ?? fileURLToPath(new URL('../../../docs/img', import.meta.url))
const TALLEST = 2400

const stoa = await shared()
try {
  const all = pages(await known(stoa.admin)).filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  if (positionals.length === 0) rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  let bytes = 0
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colours of ['light', 'dark']) {
      const opened = new Map()
      for (const { name, as, path, prepare } of all) {
        if (!opened.has(as)) opened.set(as, await open(stoa, as, { size: viewport, colours }))
        const page = opened.get(as)
        const reply = await page.goto(path)
        if (!reply.ok()) console.error(`${name}: ${path} was answered ${reply.status()}`)
        await prepare?.(page)
        await settled(page)
        const wide = await overflow(page)
        if (wide > 0) console.error(`${name}: ${wide} px wider than the window of ${viewport.width}`)
        const file = join(target, `${name}-${colours}-${viewport.width}.webp`)
        writeFileSync(file, await picture(page, viewport))
        bytes += statSync(file).size
      }
      for (const page of opened.values()) await page.done()
    }
  }
  console.error(`${all.length} pages, ${(bytes / 1024 / 1024).toFixed(1)} MiB in ${target}`)
} finally {
  await closed()
  await stoa.stop()
}

/** Pages follow live events and so are never idle: fonts are there and two frames were painted. */
async function settled(page) {
  await page.evaluate(async () => {
    await document.fonts.ready
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  })
  await page.waitForTimeout(150)
}

/** The whole page, as WebP. The window grows with it, so that what is fixed to its edges does, too. */
async function picture(page, { width, height }) {
  const full = await page.evaluate(() => document.documentElement.scrollHeight)
  await page.setViewportSize({ width, height: Math.min(Math.max(full, height), TALLEST) })
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 72 })
  await session.detach()
  await page.setViewportSize({ width, height })
  return Buffer.from(data, 'base64')
}
