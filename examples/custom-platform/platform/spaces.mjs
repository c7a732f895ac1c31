// Spaces: a small platform to connect to Stoa. A space has members with roles, limits, and a sign-in page; people are
// known to the platform or not. It breaks on request, so that failing and recovering can be tried. Plain Node.js,
// nothing to install; every process is an installation of its own.
//
//   SPACES_TOKEN=… node spaces.mjs --port 8100 [--name NAME] [--people ada,bob] [--state FILE] [--public-url URL]
//
// With `Authorization: Bearer <SPACES_TOKEN>`:
//   GET    /api/account                    who the credential is
//   GET    /api/spaces                     all spaces
//   PUT    /api/spaces/ID                  {"displayName", "size", "shelf", "owner": {"tenant", …}}: creates or changes
//   GET    /api/spaces/ID                  one of them
//   DELETE /api/spaces/ID                  removes it and everything in it
//   PUT    /api/spaces/ID/members          [{"account", "roles": ["owner" | "editor" | "viewer"]}]: the whole list
//   PUT    /api/spaces/ID/limits           {"objects": 100, "storage.gib": 5}: the whole map
//   GET    /api/people[?account=…&…]       whom the platform knows, or which of these
//   PUT    /api/people/ACCOUNT             makes somebody known; DELETE forgets them and their memberships
//
// Without it:
//   GET    /spaces/ID[?account=…]          the sign-in page: 200 for members, 403 for everybody else
//   GET    /admin/requests                 what was asked of the API, and how it was answered; DELETE forgets it
//   PUT    /admin/faults                   {"failNext": 3, "status": 500, "rejectCredential": true, "slowMs": 200,
//                                           "only": "PUT /api/spaces"}; DELETE ends them
//   PUT    /admin/token                    {"token": "…"}: from now on only this credential is accepted

import { timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

const SIZES = ['small', 'large']
const ROLES = ['owner', 'editor', 'viewer']
const LIMITS = ['objects', 'storage.gib']
const REMEMBERED_REQUESTS = 1000
const MOST_BYTES = 4 * 1024 * 1024

/** An answer that ends a request. */
class Answer extends Error {
  constructor(status, error, message, more = {}) {
    super(message)
    this.status = status
    this.body = { error, message, ...more }
  }
}

const invalid = (message, more) => new Answer(422, 'invalid', message, more)
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value) => typeof value === 'string' && value !== '' && value.length <= 255

/** What an installation knows: spaces and people, in a file if it is given one. */
class Store {
  constructor(file, people) {
    this.file = file
    const kept = file && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { spaces: {}, people: [] }
    this.spaces = new Map(Object.entries(kept.spaces))
    this.people = new Set([...kept.people, ...people])
  }

  /** Writes everything down, in one piece. */
  keep() {
    if (!this.file) return
    const text = JSON.stringify({ spaces: Object.fromEntries(this.spaces), people: [...this.people] }, null, 2)
    writeFileSync(`${this.file}.new`, text, { mode: 0o600 })
    renameSync(`${this.file}.new`, this.file)
  }

  /** A space that must be there. */
  space(id) {
    const space = this.spaces.get(id)
    if (!space) throw new Answer(404, 'not_found', `There is no space \`${id}\``)
    return space
  }

  putSpace(id, body) {
    if (!/^[a-z0-9]+([.-][a-z0-9]+)*$/.test(id) || id.length > 100) throw invalid(`\`${id}\` cannot be the id of a space`)
    if (!isObject(body) || !isText(body.displayName)) throw invalid('`displayName` is missing')
    const { displayName, size = 'small', shelf = 'any', owner = {} } = body
    if (!SIZES.includes(size)) throw invalid(`\`size\` is one of ${SIZES.join(', ')}`)
    if (!isText(shelf)) throw invalid('`shelf` is a text')
    if (!isObject(owner) || !Object.values(owner).every(isText)) throw invalid('`owner` holds texts')
    const before = this.spaces.get(id)
    if (before && before.owner.tenant !== owner.tenant) {
      throw new Answer(409, 'taken', `The space \`${id}\` belongs to somebody else`)
    }
    this.spaces.set(id, { id, displayName, size, shelf, owner, members: before?.members ?? [], limits: before?.limits ?? {} })
    this.keep()
    return !before
  }

  putMembers(id, body) {
    const space = this.space(id)
    if (!Array.isArray(body) || !body.every((member) => isObject(member) && isText(member.account) && Array.isArray(member.roles))) {
      throw invalid('Members are a list of `{"account": …, "roles": […]}`')
    }
    const strangers = body.map((member) => member.account).filter((account) => !this.people.has(account))
    if (strangers.length > 0) throw invalid(`Nobody here is called ${strangers.join(', ')}`, { accounts: strangers })
    const unknown = body.flatMap((member) => member.roles).filter((role) => !ROLES.includes(role))
    if (unknown.length > 0) throw invalid(`There is no role \`${unknown[0]}\`; there are ${ROLES.join(', ')}`)
    const byAccount = new Map(body.map(({ account, roles }) => [account, { account, roles: [...new Set(roles)].sort() }]))
    if (byAccount.size !== body.length) throw invalid('Somebody is in the list twice')
    space.members = [...byAccount.values()].sort((a, b) => (a.account < b.account ? -1 : 1))
    this.keep()
    return space.members
  }

  putLimits(id, body) {
    const space = this.space(id)
    if (!isObject(body)) throw invalid('Limits are an object')
    for (const [key, value] of Object.entries(body)) {
      if (!LIMITS.includes(key)) throw invalid(`There is no limit \`${key}\`; there are ${LIMITS.join(', ')}`)
      if (!Number.isSafeInteger(value) || value < -1) throw invalid(`The limit \`${key}\` is a whole number, or -1 for none`)
    }
    space.limits = body
    this.keep()
    return space.limits
  }

  forget(account) {
    this.people.delete(account)
    for (const space of this.spaces.values()) space.members = space.members.filter((member) => member.account !== account)
    this.keep()
  }
}

/** Whether this request is one that the faults are about. */
function meets(faults, method, path) {
  if (!faults.only) return true
  return `${method} ${path}`.startsWith(faults.only) || path.startsWith(faults.only)
}

function sameText(given, wanted) {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function readJson(request) {
  const parts = []
  let bytes = 0
  for await (const part of request) {
    bytes += part.length
    if (bytes > MOST_BYTES) throw new Answer(413, 'too_large', 'The body is too large')
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    throw new Answer(400, 'malformed', 'The body is no JSON')
  }
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`)
const page = (title, text) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title><h1>${escaped(title)}</h1><p>${escaped(text)}</p></html>\n`

/** Starts an installation; resolves to its server once it listens. */
export function startSpaces({ port = 0, token, name = 'Spaces', people = [], stateFile, publicUrl } = {}) {
  if (!token) throw new Error('the platform needs a credential: set SPACES_TOKEN')
  const store = new Store(stateFile, people)
  let accepted = token
  let faults = {}
  let requests = []

  /** Lets through who has the credential, unless a fault was asked for. */
  async function admit(request, method, path) {
    if (meets(faults, method, path)) {
      if (faults.slowMs) await new Promise((resolve) => setTimeout(resolve, faults.slowMs))
      if (faults.failNext > 0) {
        faults.failNext -= 1
        throw new Answer(faults.status ?? 500, 'fault', 'The platform has trouble, as was asked for')
      }
    }
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (faults.rejectCredential || !sameText(given, accepted)) {
      throw new Answer(401, 'credential', 'The credential is not valid')
    }
  }

  const links = (request, id) => {
    const base = publicUrl ?? `http://${request.headers.host}`
    return { signInUrl: `${base}/spaces/${id}`, url: `${base}/api/spaces/${id}` }
  }

  async function api(request, method, url) {
    const [, , collection, id, part] = url.pathname.split('/').map(decodeURIComponent)
    const route = `${method} ${[collection, id && 'ID', part].filter(Boolean).join('/')}`
    const shown = (space) => ({ ...space, ...links(request, space.id) })
    switch (route) {
      case 'GET account':
        return [200, { name: 'connector', platform: name }]
      case 'GET spaces':
        return [200, [...store.spaces.values()].map(shown)]
      case 'GET spaces/ID':
        return [200, shown(store.space(id))]
      case 'PUT spaces/ID': {
        const isNew = store.putSpace(id, await readJson(request))
        return [isNew ? 201 : 200, shown(store.space(id))]
      }
      case 'DELETE spaces/ID':
        store.space(id)
        store.spaces.delete(id)
        store.keep()
        return [204]
      case 'GET spaces/ID/members':
        return [200, store.space(id).members]
      case 'PUT spaces/ID/members':
        return [200, store.putMembers(id, await readJson(request))]
      case 'GET spaces/ID/limits':
        return [200, store.space(id).limits]
      case 'PUT spaces/ID/limits':
        return [200, store.putLimits(id, await readJson(request))]
      case 'GET people': {
        const asked = url.searchParams.getAll('account')
        return [200, [...store.people].filter((account) => asked.length === 0 || asked.includes(account)).sort()]
      }
      case 'PUT people/ID':
        store.people.add(id)
        store.keep()
        return [200, { account: id }]
      case 'DELETE people/ID':
        store.forget(id)
        return [204]
      default:
        throw new Answer(404, 'not_found', 'There is no such thing; the first lines of spaces.mjs say what there is')
    }
  }

  async function admin(request, route) {
    switch (route) {
      case 'GET /admin/requests':
        return [200, requests]
      case 'DELETE /admin/requests':
        requests = []
        return [204]
      case 'PUT /admin/faults':
        faults = { ...(await readJson(request)) }
        return [200, faults]
      case 'DELETE /admin/faults':
        faults = {}
        return [204]
      case 'PUT /admin/token': {
        const body = await readJson(request)
        if (!isText(body.token)) throw invalid('`token` is missing')
        accepted = body.token
        return [204]
      }
      default:
        throw new Answer(404, 'not_found', 'There is /admin/requests, /admin/faults and /admin/token')
    }
  }

  /** The page behind the sign-in address of a tenant. */
  function signIn(url) {
    const id = decodeURIComponent(url.pathname.slice('/spaces/'.length))
    const space = store.spaces.get(id)
    if (!space) return [404, page('No such space', `There is no space ${id}`)]
    const account = url.searchParams.get('account')
    if (account === null) return [200, page(space.displayName, `Say who you are: ?account=…`)]
    const member = space.members.find((one) => one.account === account)
    if (!member) return [403, page(space.displayName, `${account} has no access`)]
    return [200, page(space.displayName, `Welcome ${account}, ${member.roles.join(' and ')}`)]
  }

  const server = createServer(async (request, response) => {
    const { method } = request
    const url = new URL(request.url, 'http://localhost')
    const path = url.pathname
    const answer = (status, body, type = 'application/json') => {
      if (path.startsWith('/api/')) {
        requests.push({ at: new Date().toISOString(), method, path, status })
        requests = requests.slice(-REMEMBERED_REQUESTS)
      }
      response.writeHead(status, body === undefined ? {} : { 'Content-Type': type })
      response.end(body === undefined || typeof body === 'string' ? body : `${JSON.stringify(body)}\n`)
    }
    try {
      if (path.startsWith('/api/')) {
        await admit(request, method, path)
        return answer(...(await api(request, method, url)))
      }
      if (path.startsWith('/admin/')) return answer(...(await admin(request, `${method} ${path}`)))
      if (method === 'GET' && path.startsWith('/spaces/')) return answer(...signIn(url), 'text/html; charset=utf-8')
      if (method === 'GET' && path === '/') return answer(200, page(name, `${store.spaces.size} spaces`), 'text/html; charset=utf-8')
      throw new Answer(404, 'not_found', 'There is no such page')
    } catch (error) {
      if (error instanceof Answer) return answer(error.status, error.body)
      return answer(error instanceof URIError ? 400 : 500, { error: 'broken', message: error.message })
    }
  })

  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8100' },
      name: { type: 'string', default: 'Spaces' },
      people: { type: 'string', default: '' },
      state: { type: 'string' },
      'public-url': { type: 'string' },
    },
  })
  const server = await startSpaces({
    port: Number(values.port),
    token: process.env.SPACES_TOKEN,
    name: values.name,
    people: values.people.split(',').filter(Boolean),
    stateFile: values.state,
    publicUrl: values['public-url'],
  })
  console.log(`${values.name} is ready at http://127.0.0.1:${server.address().port}`)
  process.on('SIGTERM', () => process.exit(0))
}
