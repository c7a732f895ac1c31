// Speaks to Stoa's public API with a key, as any client would.

import { readFile } from 'node:fs/promises'

/** A request that was refused. */
export class Refused extends Error {
  constructor(method, path, status, text) {
    super(`${method} ${path} was answered ${status}: ${text.slice(0, 600)}`)
    this.status = status
  }
}

/** The version in the media type of each kind that the seed speaks of. */
const VERSIONS = {
  meshworkspaces: ['meshworkspace', 'v2'],
  meshprojects: ['meshproject', 'v2'],
  'meshworkspacebindings/userbindings': ['meshworkspaceuserbinding', 'v2'],
  meshtenants: ['meshtenant', 'v4'],
  meshplatforms: ['meshplatform', 'v2'],
  meshapikeys: ['meshapikey', 'v1-preview'],
  meshbuildingblocks: ['meshbuildingblock', 'v2-preview'],
  meshbuildingblockruns: ['meshbuildingblockrun', 'v1'],
  meshbuildingblockdefinitions: ['meshbuildingblockdefinition', 'v1-preview'],
  meshbuildingblockdefinitionversions: ['meshbuildingblockdefinitionversion', 'v1-preview'],
  meshbuildingblockrunners: ['meshbuildingblockrunner', 'v1-preview'],
  meshintegrations: ['meshintegration', 'v1'],
  meshcommunicationdefinitions: ['meshcommunicationdefinition', 'v1-preview'],
  meshcommunications: ['meshcommunication', 'v1-preview'],
}

/** One caller: an address and a key. */
export class Client {
  #token = ''
  #good = 0

  constructor({ url, clientId, clientSecret }) {
    this.url = url
    this.key = { clientId, clientSecret }
  }

  /** The caller whose key lies in a file such as the server's `admin-key.json`. */
  static async fromFile(path) {
    return new Client(JSON.parse(await readFile(path, 'utf8')))
  }

  get(path) {
    return this.#send('GET', path)
  }

  post(path, body) {
    return this.#send('POST', path, body ?? {})
  }

  put(path, body) {
    return this.#send('PUT', path, body)
  }

  patch(path, body) {
    return this.#send('PATCH', path, body)
  }

  delete(path) {
    return this.#send('DELETE', path)
  }

  /** All objects of a list, page by page. `collection` may carry filters. */
  async list(collection) {
    const all = []
    for (let page = 0; ; page += 1) {
      const mark = collection.includes('?') ? '&' : '?'
      const found = await this.get(`/api/meshobjects/${collection}${mark}page=${page}&size=250`)
      all.push(...Object.values(found._embedded ?? {}).flat())
      if (page + 1 >= (found.page?.totalPages ?? 1)) return all
    }
  }

  /** Headers that prove who asks. */
  async credentials() {
    if (Date.now() > this.#good) {
      const reply = await fetch(`${this.url}/api/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(this.key),
      })
      if (!reply.ok) throw new Refused('POST', '/api/login', reply.status, await reply.text())
      this.#token = (await reply.json()).access_token
      this.#good = Date.now() + 120_000
    }
    return { Authorization: `Bearer ${this.#token}` }
  }

  async #send(method, path, body) {
    const kind = VERSIONS[/^\/api\/meshobjects\/([a-z]+(\/userbindings)?)/.exec(path)?.[1]]
    const media = kind ? `application/vnd.meshcloud.api.${kind[0]}.${kind[1]}.hal+json` : 'application/json'
    const reply = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(await this.credentials()), Accept: media, ...(body && { 'Content-Type': media }) },
      body: body && JSON.stringify(body),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Refused(method, path, reply.status, text)
    return text ? JSON.parse(text) : undefined
  }
}

/** A person who is signed in with a password, acting in one workspace: what they order is ordered by them. */
export class Person extends Client {
  #session = {}

  /** Signs in; fails when they have no account or another password. */
  static async signIn(url, username, password, workspace) {
    const person = new Person({ url })
    const reply = await fetch(`${url}/api/stoa/v1/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ username, password }),
    })
    if (!reply.ok) throw new Refused('POST', '/api/stoa/v1/session', reply.status, await reply.text())
    const cookie = reply.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ')
    person.#session = { Cookie: cookie, 'X-CSRF-Token': (await reply.json()).csrf, 'X-Stoa-Workspace': workspace }
    return person
  }

  async credentials() {
    return this.#session
  }
}

/** Asks again until the answer is truthy. */
export async function until(what, ask, seconds = 60) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await ask()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`)
    await new Promise((done) => setTimeout(done, 150))
  }
}
