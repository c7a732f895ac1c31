// An identity provider for tests: the certified `oidc-provider`, signing in whoever the test says, without asking.
// Prints its issuer once it listens. POST /control with JSON changes it:
//   client    { redirect_uris, post_logout_redirect_uris }
//   accounts  { subject: claims }
//   current   the subject who signs in from now on
//   rotate    true: another signing key, and the earlier one is gone
//   userinfo  false: everything is in the identity token
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Only the issuer goes to standard output; whoever started this may have stopped reading it.
console.log = console.info = console.warn = console.error;

const from = createRequire(`${process.argv[2] ?? process.cwd()}/package.json`);
const { Provider } = await import(from.resolve("oidc-provider"));

const key = () => ({
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }),
  kid: randomUUID(),
  use: "sig",
  alg: "RS256",
});
const state = { client: {}, accounts: {}, current: "", keys: [key()], userinfo: true };
let provider;

function build() {
  provider = new Provider(issuer, {
    clients: [{ client_id: "stoa", client_secret: "oidc-secret", ...state.client }],
    jwks: { keys: state.keys },
    cookies: { keys: ["test"] },
    conformIdTokenClaims: state.userinfo,
    claims: {
      openid: ["sub"],
      profile: ["preferred_username", "given_name", "family_name", "groups", "staff_id"],
      email: ["email", "email_verified"],
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...state.accounts[sub] }) }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
  });
}

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

const server = createServer(async (request, response) => {
  try {
    if (request.url === "/control") {
      const { rotate, ...change } = await body(request);
      Object.assign(state, change);
      if (rotate) state.keys = [key()];
      build();
      response.end("{}");
    } else if (request.url.startsWith("/interaction/")) {
      await provider.interactionFinished(request, response, { login: { accountId: state.current } });
    } else {
      provider.callback()(request, response);
    }
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
let issuer;
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  build();
  process.stdout.write(`${issuer}\n`);
});
// The test that started it holds its other end: when that goes, so does this.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
