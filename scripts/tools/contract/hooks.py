"""What schemathesis cannot read in an API description: who is asking, which version of a kind is wanted, and which
bodies make sense. Before anything is generated, the example of every kind is created, what others refer to first;
generated bodies are then crossed with the examples, so that many of them are taken and the rest is refused for one
reason only."""

import os
import re
import zlib

import requests
import schemathesis

URL = os.environ["CONTRACT_URL"]
CLIENT_ID = os.environ["CONTRACT_CLIENT_ID"]
CLIENT_SECRET = os.environ["CONTRACT_CLIENT_SECRET"]

# What refers to something comes after it. Kinds that are not named here come last.
ORDER = [
    "meshTagDefinition", "meshWorkspace", "meshPaymentMethod", "meshProject", "meshUser", "meshProjectRole",
    "meshWorkspaceUserBinding", "meshWorkspaceGroupBinding", "meshProjectUserBinding", "meshProjectGroupBinding",
    "meshApiKey", "meshApiUser", "meshBuildingBlockRunner", "meshIntegration", "meshPlatformType", "meshLocation",
    "meshPlatform", "meshBuildingBlockDefinition", "meshBuildingBlockDefinitionVersion", "meshLandingZone",
    "meshTenant", "meshBuildingBlock", "meshCommunicationDefinition", "meshCommunication",
]


def token():
    body = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}
    answer = requests.post(f"{URL}/api/login", json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()["access_token"]


@schemathesis.auth(refresh_interval=120)
class Key:
    """The administrator's key; its tokens live for five minutes."""

    def get(self, case, context):
        return token()

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


def made(authorization, path, media, body):
    headers = {"Authorization": authorization, "Accept": media, "Content-Type": media}
    return requests.post(f"{URL}{path}", json=body, headers=headers, timeout=30)


class World:
    """The objects that the examples became."""

    def __init__(self):
        self.objects = {}
        self.collections = {}
        self.examples = {}
        self.description = description = requests.get(f"{URL}/api/openapi.json", timeout=10).json()
        creating = []
        for path, methods in description["paths"].items():
            operation = methods.get("post", {})
            kind = operation.get("tags", [""])[0]
            content = operation.get("requestBody", {}).get("content", {})
            if path.startswith("/api/meshobjects/") and "201" in operation.get("responses", {}):
                for media, entry in content.items():
                    creating.append((ORDER.index(kind) if kind in ORDER else len(ORDER), path, kind, media, entry))
        authorization = f"Bearer {token()}"
        for _, path, kind, media, entry in sorted(creating, key=lambda one: one[:4]):
            self.collections[path] = kind
            self.examples[(path, media)] = entry.get("example")
            if kind == "meshBuildingBlockDefinitionVersion" and kind in self.objects:
                continue
            body = self.settled(entry.get("example", {}))
            answer = made(authorization, path, media, body)
            missing = re.search(r"No meshWorkspace `([^`]+)`|workspace '([^']+)'", answer.text)
            if answer.status_code in (400, 404) and missing:
                self.workspace(authorization, missing[1] or missing[2])
                answer = made(authorization, path, media, body)
            if answer.status_code == 201:
                self.objects[kind] = answer.json()
                if kind == "meshBuildingBlockDefinition":
                    self.version_of(authorization, answer.json())
            else:
                print(f"  the example of {path} as {media} is not taken: {answer.text}")

    def workspace(self, authorization, name):
        """Examples of different kinds speak of different workspaces."""
        media = "application/vnd.meshcloud.api.meshworkspace.v2.hal+json"
        body = {"metadata": {"name": name, "tags": {}}, "spec": {"displayName": name}}
        made(authorization, "/api/meshobjects/meshworkspaces", media, body)

    def version_of(self, authorization, definition):
        """A definition comes with a draft, which is released so that it can be ordered."""
        kind = "meshBuildingBlockDefinitionVersion"
        media = f"application/vnd.meshcloud.api.{kind.lower()}.v1-preview.hal+json"
        uuid = definition["status"]["latestVersionUuid"]
        collection = f"/api/meshobjects/{kind.lower()}s"
        self.objects[kind] = {"metadata": {"uuid": uuid}}
        content = self.description["paths"][collection]["post"]["requestBody"]["content"]
        body = self.settled(content[media]["example"])
        body["spec"].update(state="RELEASED", versionNumber=1)
        headers = {"Authorization": authorization, "Accept": media, "Content-Type": media}
        answer = requests.put(f"{URL}{collection}/{uuid}", json=body, headers=headers, timeout=10)
        if answer.status_code != 200:
            print(f"  the example of {collection} is not released: {answer.text}")
        else:
            self.objects[kind] = answer.json()

    def at(self, path):
        """The object that the example of a collection became, and the rest of the path."""
        for collection in sorted(self.collections, key=len, reverse=True):
            if path == collection or path.startswith(collection + "/"):
                return self.objects.get(self.collections[collection]), path[len(collection):]
        return None, path

    def settled(self, value):
        """References lead to objects that are there."""
        if isinstance(value, list):
            return [self.settled(item) for item in value]
        if not isinstance(value, dict):
            return value
        settled = {name: self.settled(member) for name, member in value.items()}
        definition, tenant = self.objects.get("meshBuildingBlockDefinition"), self.objects.get("meshTenant")
        if "definitionUuid" in settled and definition:
            settled["definitionUuid"] = definition["metadata"]["uuid"]
        if "tenantIdentifier" in settled and tenant:
            settled["tenantIdentifier"] = tenant.get("status", {}).get("tenantName")
        for name, member in value.items():
            kind = {"buildingBlockDefinitionVersionRef": "meshBuildingBlockDefinitionVersion",
                    "buildingBlockDefinitionRef": "meshBuildingBlockDefinition",
                    "platformRef": "meshPlatform"}.get(name)
            kind = kind or (member.get("kind") if isinstance(member, dict) else None)
            known = self.objects.get(kind) if isinstance(kind, str) else None
            if known and isinstance(member, dict):
                for key in ("uuid", "name"):
                    if key in member and key in known["metadata"]:
                        settled[name] = {**settled[name], key: known["metadata"][key]}
        return settled


WORLD = World()


def draw(*what):
    """A number that is the same for the same words in every run."""
    return zlib.crc32(repr(what).encode())


def crossed(generated, example, place=()):
    """Mostly the example, with some members of what was generated."""
    if not isinstance(generated, dict) or not isinstance(example, dict):
        return generated if draw(generated, place) % 5 == 0 else example
    child = {}
    for name in {**example, **generated}:
        if name not in generated:
            if draw(generated, place, name) % 6:
                child[name] = example[name]
        elif name not in example:
            if draw(generated, place, name) % 3 == 0:
                child[name] = generated[name]
        else:
            child[name] = crossed(generated[name], example[name], (*place, name))
    return child


@schemathesis.hook
def map_body(context, body):
    """Three of four bodies of a kind are crossed with its example, under a name of their own."""
    if not isinstance(body, dict) or draw(body) % 4 == 0:
        return body
    path = context.operation.path
    known, rest = WORLD.at(path)
    if known and context.operation.method.upper() == "PUT" and "/" not in rest[1:]:
        # What was read is written back, with a change or two.
        return crossed(body, {name: known[name] for name in known if name not in ("status", "_links")})
    examples = [example for (place, _), example in WORLD.examples.items() if path == place and example]
    if not examples:
        return body
    child = crossed(body, WORLD.settled(examples[draw(body, path) % len(examples)]))
    metadata = child.get("metadata")
    if context.operation.method.upper() == "POST" and isinstance(metadata, dict) and "name" in metadata:
        metadata["name"] = f"n{draw(body) % 100000}"
    return child


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Most paths lead to an object that is there; few deletions do, since the others need it."""
    known, rest = WORLD.at(context.operation.path)
    if not known or not path_parameters or not rest.startswith("/{"):
        return path_parameters
    often = 6 if context.operation.method.upper() == "DELETE" else 3
    sort = draw(path_parameters, context.operation.path) % often
    if (sort == 0) if often == 3 else (sort != 0):
        return path_parameters
    name = rest[2:].split("}")[0]
    metadata = known["metadata"]
    # The server tells where its objects are.
    id = known.get("_links", {}).get("self", {}).get("href", "").rsplit("/", 1)[-1] or metadata.get("uuid")
    return {**path_parameters, name: requests.utils.unquote(id)} if id else path_parameters


@schemathesis.hook
def filter_case(context, case):
    """The key that asks is not to be changed or deleted by what it asks."""
    ids = (case.path_parameters or {}).values()
    return not (case.method in ("PUT", "DELETE") and CLIENT_ID in ids)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Asks for a media type that the operation is said to answer with, the same one that the body has."""
    if case.headers is None:
        case.headers = {}
    offered = []
    for status, answer in case.operation.definition.raw.get("responses", {}).items():
        if status.startswith("2"):
            offered.extend(media for media in answer.get("content", {}) if media not in offered)
    if case.media_type in offered:
        case.headers["Accept"] = case.media_type
    elif offered:
        case.headers["Accept"] = offered[draw(case.path, case.query, case.path_parameters) % len(offered)]
    elif case.method == "DELETE":
        item = WORLD.description["paths"].get(case.operation.path, {}).get("get", {})
        offered = list(item.get("responses", {}).get("200", {}).get("content", {})) or ["*/*"]
        case.headers["Accept"] = offered[draw(case.path_parameters) % len(offered)]
