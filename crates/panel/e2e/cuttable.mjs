// A way to the server that a test can cut and mend, as a proxy that restarts would.

import { connect, createServer } from 'node:net'

/** Listens at `url` and passes everything on to the server at `target`. */
export async function cuttable(target) {
  const { port } = new URL(target)
  const ends = new Set()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) return near.destroy()
    const far = connect(Number(port), '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]]) {
      ends.add(from)
      from.on('error', () => {})
      from.on('close', () => { ends.delete(from); to.destroy() })
      from.pipe(to)
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const cut = () => {
    isCut = true
    ends.forEach((end) => end.destroy())
  }
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend: () => { isCut = false },
    stop: () => new Promise((done) => { cut(); server.close(done) }),
  }
}
