//! Many tenants: made with their projects, people, tags and quotas, listed by what people look for.

use crate::figures::{Latencies, Pairs};
use crate::http1::{Caller, Connection};
use crate::installation::{Installation, create, text};
use crate::load::{Done, round};
use crate::pace::Pace;
use crate::raw::{Filter, Raw, Shape};
use crate::server::Server;
use anyhow::ensure;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Connections that make and read at once.
pub const CONNECTIONS: usize = 32;
/// Workspaces that own the projects.
const WORKSPACES: usize = 20;
/// Tenants of a project: one on each platform.
const PLATFORMS: usize = 10;
const USERS: usize = 50;
/// How long making everything may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// What making one tenant with its project and its binding takes in rows.
const SHAPES: [Shape; 3] = [
    Shape { kind: "meshProject", bytes: 86, status: 2, facets: 2, references: 1, works: false },
    Shape { kind: "meshTenant", bytes: 503, status: 288, facets: 5, references: 4, works: false },
    Shape { kind: "meshProjectUserBinding", bytes: 163, status: 2, facets: 4, references: 3, works: true },
];

/// Where tenants are made.
pub struct Estate {
    caller: Caller,
    platforms: Vec<String>,
    /// Projects with a tenant on the first platform.
    made: Arc<AtomicUsize>,
}

/// A workspace of the estate.
pub fn workspace(number: usize) -> String {
    format!("estate-{}", number % WORKSPACES)
}

fn project(number: usize) -> String {
    format!("p{number}")
}

fn zone(platform: usize) -> String {
    format!("zone-{platform}")
}

fn platform_name(platform: usize) -> String {
    format!("cloud-{platform}")
}

impl Estate {
    /// Workspaces, people, tag definitions, platforms with quotas, landing zones.
    pub async fn make(server: &Server, installation: &Installation) -> anyhow::Result<Self> {
        let admin = &installation.admin;
        for (key, kind) in [("stage", "string"), ("cost-center", "integer")] {
            let mut value = json!({});
            value[kind] = json!({});
            let body = json!({
                "metadata": { "name": format!("meshProject.{key}") },
                "spec": {
                    "targetKind": "meshProject", "key": key, "displayName": key, "valueType": value,
                    "description": "", "sortOrder": 0, "mandatory": false, "immutable": false, "restricted": false,
                },
            });
            create(admin, "meshTagDefinition", "v1", body).await?;
        }
        for number in 0..WORKSPACES {
            let body = json!({ "metadata": { "name": workspace(number), "tags": {} }, "spec": { "displayName": "Estate" } });
            create(admin, "meshWorkspace", "v2", body).await?;
        }
        for number in 0..USERS {
            let name = format!("user-{number}");
            let body = json!({
                "metadata": { "name": name },
                "spec": { "email": format!("{name}@fruit.example"), "firstName": "F", "lastName": "L" },
            });
            create(admin, "meshUser", "v2", body).await?;
        }
        for number in 0..WORKSPACES {
            for user in 0..USERS {
                let body = json!({
                    "metadata": { "name": format!("member-{number}-{user}") },
                    "roleRef": { "name": "Workspace Member" }, "targetRef": { "name": workspace(number) },
                    "subject": { "name": format!("user-{user}") },
                });
                let path = "/api/meshobjects/meshworkspacebindings/userbindings";
                admin.post(path, &stoa_client::media("meshWorkspaceUserBinding", "v2"), &body).await?;
            }
        }
        let owner = "demo-partner";
        let body = json!({ "metadata": { "name": "bench", "ownedByWorkspace": owner }, "spec": { "displayName": "Bench", "description": "" } });
        create(admin, "meshLocation", "v1", body).await?;
        let body = json!({
            "metadata": { "name": "BENCH", "ownedByWorkspace": owner },
            "spec": {
                "displayName": "Bench", "category": "CUSTOM", "defaultEndpoint": "https://bench.example.org",
                "icon": "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=",
            },
        });
        create(admin, "meshPlatformType", "v1", body).await?;
        let mut platforms = Vec::new();
        for number in 0..PLATFORMS {
            platforms.push(platform(installation, owner, number).await?);
        }
        Ok(Self { caller: installation.administrator(server).await?, platforms, made: Arc::default() })
    }

    /// The three requests that make a tenant: project, tenant, binding.
    fn requests(&self, caller: &Caller, number: usize) -> anyhow::Result<[Request<Full<Bytes>>; 3]> {
        let (owner, name) = (workspace(number), project(number));
        let body = json!({
            "metadata": { "name": name, "ownedByWorkspace": owner },
            "spec": { "displayName": name, "tags": { "stage": ["dev"], "cost-center": [number.to_string()] } },
        });
        let made = caller.about("meshProject", "v2")?.request(
            Method::POST,
            "/api/meshobjects/meshprojects",
            body.to_string(),
        )?;
        let binding = json!({
            "metadata": { "name": format!("reader-{number}") },
            "roleRef": { "name": "reader" },
            "targetRef": { "name": name, "ownedByWorkspace": owner },
            "subject": { "name": format!("user-{}", number % USERS) },
        });
        let binding = caller.about("meshProjectUserBinding", "v3")?.request(
            Method::POST,
            "/api/meshobjects/meshprojectbindings/userbindings",
            binding.to_string(),
        )?;
        Ok([made, self.tenant(caller, number, 0)?, binding])
    }

    fn tenant(
        &self,
        caller: &Caller,
        number: usize,
        platform: usize,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let body = json!({
            "metadata": { "ownedByWorkspace": workspace(number), "ownedByProject": project(number) },
            "spec": {
                "platformRef": { "kind": "meshPlatform", "uuid": self.platforms[platform] },
                "landingZoneRef": { "kind": "meshLandingZone", "name": zone(platform) },
                "requestedQuotas": { "objects": { "value": 50 }, "storage": { "value": 2 } },
            },
        });
        let caller = caller.about("meshTenant", "v4")?;
        caller.request(Method::POST, "/api/meshobjects/meshtenants", body.to_string())
    }

    /// Makes `count` more tenants, each with a project of its own and a binding.
    async fn grow(self: &Arc<Self>, server: &Server, caller: &Caller, count: usize) -> anyhow::Result<Done> {
        let until = self.made.load(Ordering::Relaxed) + count;
        let mut callers = Vec::new();
        for _ in 0..CONNECTIONS {
            callers.push(Connection::open(server.address).await?);
        }
        let (estate, caller) = (Arc::clone(self), caller.clone());
        let ask = move |mut connection: Connection| {
            let (estate, caller) = (Arc::clone(&estate), caller.clone());
            async move {
                let taken = estate.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |made| {
                    (made < until).then_some(made + 1)
                });
                let Ok(number) = taken else { return Ok((connection, false)) };
                for request in estate.requests(&caller, number)? {
                    connection.expect(201, request).await?;
                }
                Ok((connection, true))
            }
        };
        let done = round(callers, PATIENCE, ask).await?.0;
        ensure!(done.count == count, "{} of {count} tenants were made", done.count);
        Ok(done)
    }

    /// Tenants with projects, bindings, tags and quotas per second, beside their rows, in rounds.
    pub async fn create(
        self: &Arc<Self>,
        server: &Server,
        installation: &Installation,
        raw: &Raw,
        pace: Pace,
    ) -> anyhow::Result<(Pairs, Latencies)> {
        let (mut pairs, mut latencies) = (Pairs::default(), Latencies::default());
        let each = pace.tenants / 10 / pace.rounds;
        for _ in 0..pace.rounds {
            let caller = installation.administrator(server).await?;
            let done = self.grow(server, &caller, each).await?;
            let bare = raw.write(&SHAPES, CONNECTIONS, each).await?;
            pairs.add(done.rate(), bare.rate());
            latencies.extend(&done.latencies);
        }
        Ok((pairs, latencies))
    }

    /// Puts a tenant of every project on every platform.
    pub async fn fill(
        self: &Arc<Self>,
        server: &Server,
        installation: &Installation,
    ) -> anyhow::Result<usize> {
        let projects = self.made.load(Ordering::Relaxed);
        for platform in 1..PLATFORMS {
            // Tokens live for minutes only.
            let caller = installation.administrator(server).await?;
            let mut callers = Vec::new();
            for place in 0..CONNECTIONS {
                callers.push((Connection::open(server.address).await?, place));
            }
            let estate = Arc::clone(self);
            let ask = move |(mut connection, number): (Connection, usize)| {
                let (estate, caller) = (Arc::clone(&estate), caller.clone());
                async move {
                    if number >= projects {
                        return Ok(((connection, number), false));
                    }
                    connection.expect(201, estate.tenant(&caller, number, platform)?).await?;
                    Ok(((connection, number + CONNECTIONS), true))
                }
            };
            round(callers, PATIENCE, ask).await?;
        }
        Ok(projects * PLATFORMS)
    }

    /// The same tenants as bare rows.
    pub async fn fill_raw(&self, raw: &Raw) -> anyhow::Result<()> {
        let projects = self.made.load(Ordering::Relaxed);
        raw.fill(SHAPES[1], projects * PLATFORMS, move |number| {
            let (owner, name, platform) =
                (workspace(number % projects), project(number % projects), platform_name(number / projects));
            let mut facets = vec![("project", format!("{owner}.{name}")), ("platform", platform)];
            facets.push(("state", "ACTIVE".to_owned()));
            facets.extend(["a", "b"].map(|facet| (facet, number.to_string())));
            (owner, facets)
        })
        .await
    }

    /// Lists of tenants: what is asked for, the queries, and the same for the bare rows.
    pub fn lists(&self) -> [(&'static str, Vec<String>, Vec<Filter>); 3] {
        let projects = self.made.load(Ordering::Relaxed);
        let some = || (0..64).map(move |turn| turn * 37 % projects.max(1));
        let by_workspace = some().map(|n| format!("workspaceIdentifier={}", workspace(n))).collect();
        let by_project = some()
            .map(|n| format!("workspaceIdentifier={}&projectIdentifier={}", workspace(n), project(n)))
            .collect();
        let by_platform =
            some().map(|n| format!("platformIdentifier={}.bench", platform_name(n % PLATFORMS))).collect();
        [
            ("workspace", by_workspace, some().map(|n| Filter::Workspace(workspace(n))).collect()),
            (
                "project",
                by_project,
                some()
                    .map(|n| Filter::Facet("project", format!("{}.{}", workspace(n), project(n))))
                    .collect(),
            ),
            (
                "platform",
                by_platform,
                some().map(|n| Filter::Facet("platform", platform_name(n % PLATFORMS))).collect(),
            ),
        ]
    }

    /// Pages of such a list per second, beside the bare rows.
    pub async fn list(
        &self,
        server: &Server,
        installation: &Installation,
        raw: &Raw,
        pace: Pace,
        (queries, filters): (Vec<String>, Vec<Filter>),
    ) -> anyhow::Result<(Pairs, Latencies)> {
        let (mut pairs, mut latencies) = (Pairs::default(), Latencies::default());
        let paths: Arc<Vec<String>> =
            Arc::new(queries.iter().map(|query| format!("/api/meshobjects/meshtenants?{query}")).collect());
        let sample = self.caller.about("meshTenant", "v4")?;
        let sample = match paths.first() {
            Some(path) => Connection::open(server.address).await?.expect(200, sample.get(path)?).await?,
            None => Bytes::new(),
        };
        let found: Value = serde_json::from_slice(&sample)?;
        ensure!(found["page"]["totalElements"].as_u64() > Some(0), "nothing is listed: {found}");
        for number in 0..pace.warm_ups + pace.rounds {
            let is_warm_up = number < pace.warm_ups;
            let span = if is_warm_up { pace.warm_up } else { pace.span };
            let caller = installation.administrator(server).await?.about("meshTenant", "v4")?;
            let mut callers = Vec::new();
            for place in 0..CONNECTIONS {
                callers.push((Connection::open(server.address).await?, place * 7));
            }
            let paths = Arc::clone(&paths);
            let ask = move |(mut connection, turn): (Connection, usize)| {
                let (paths, caller) = (Arc::clone(&paths), caller.clone());
                async move {
                    connection.expect(200, caller.get(&paths[turn % paths.len()])?).await?;
                    Ok(((connection, turn + 31), true))
                }
            };
            let done = round(callers, span, ask).await?.0;
            let bare = raw.list("meshTenant", filters.clone(), CONNECTIONS, span).await?;
            if !is_warm_up {
                pairs.add(done.rate(), bare.rate());
                latencies.extend(&done.latencies);
            }
        }
        Ok((pairs, latencies))
    }
}

async fn platform(installation: &Installation, owner: &str, number: usize) -> anyhow::Result<String> {
    let admin = &installation.admin;
    let quota = |key: &str, max: i64| {
        json!({
            "quotaKey": key, "label": key, "description": key, "unit": "", "minValue": 0, "maxValue": max,
            "autoApprovalThreshold": max,
        })
    };
    let body = json!({
        "metadata": { "name": platform_name(number), "ownedByWorkspace": owner },
        "spec": {
            "displayName": "Cloud", "description": "", "endpoint": "https://cloud.example.org",
            "locationRef": { "kind": "meshLocation", "name": "bench" },
            "contributingWorkspaces": [],
            "availability": { "restriction": "PUBLIC", "publicationState": "PUBLISHED", "restrictedToWorkspaces": [] },
            "quotaDefinitions": [quota("objects", 1000), quota("storage", 100)],
            "config": { "type": "custom", "custom": { "platformTypeRef": { "kind": "meshPlatformType", "name": "BENCH" } } },
        },
    });
    let made = create(admin, "meshPlatform", "v2", body).await?;
    let uuid = text(&made, "/metadata/uuid")?;
    let body = json!({
        "metadata": { "name": zone(number), "ownedByWorkspace": owner, "tags": {} },
        "spec": {
            "displayName": "Zone", "description": "", "automateDeletionApproval": true,
            "automateDeletionReplication": true, "platformRef": { "kind": "meshPlatform", "uuid": uuid },
            "platformProperties": { "type": "custom", "custom": {} },
            "quotas": [{ "key": "objects", "value": 10 }, { "key": "storage", "value": 1 }],
            "mandatoryBuildingBlockRefs": [], "recommendedBuildingBlockRefs": [],
        },
    });
    create(admin, "meshLandingZone", "v1", body).await?;
    Ok(uuid)
}
