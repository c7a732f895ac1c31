//! One request from bytes to answer: the checks of `api-core.md` §1.3 in their order, then the operation in
//! one transaction.

use crate::app::App;
use crate::credential::Credential;
use crate::request::{Reply, Request};
use crate::route::{Accept, Access, Found, Op, Route, Takes, Visitor};
use crate::{body, media, problem};
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, EXPECT};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stoa_base::{Refusal, new_uuid};
use stoa_core::{Actor, Call, Outcome, Settings};
use stoa_db::Tx;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bodies above this are read only after the credential was checked against the database.
const LARGE_BODY: u64 = 1 << 20;
/// How much of a body that nobody wants is still taken, and for how long, so that the client sees the answer.
const LINGER_BYTES: usize = 32 << 20;
const LINGER: Duration = Duration::from_secs(5);
/// How long a client may take to send a body.
const BODY_PATIENCE: Duration = Duration::from_mins(5);

/// Answers one request.
pub async fn handle(app: Arc<App>, request: axum::extract::Request) -> Response {
    let started = Instant::now();
    let now = app.world.clock.now();
    let (parts, incoming) = request.into_parts();
    let mut unread = Some(incoming);
    let path = parts.uri.path().to_owned();
    let id = request_id(&parts.headers);
    let (pattern, result) = match app.router.find(&parts.method, &path) {
        Found::Nothing => {
            (String::new(), Err(Refusal::Absent(format!("There is nothing at {path}.")).into()))
        }
        Found::OtherMethods(routes) => {
            let allow: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
            (String::new(), Err(Refusal::WrongMethod { allow: allow.join(", ") }.into()))
        }
        Found::Route(route, values) => {
            let result = serve(&app, &route, &parts, values, &mut unread, now, &id).await;
            (route.path.clone(), result)
        }
    };
    let mut response = result.unwrap_or_else(|error| problem::response(&error, &path, now, &id));
    if let Some(rest) = unread.filter(|rest| !rest.is_end_stream() && !parts.headers.contains_key(EXPECT)) {
        response = lingering(response, rest);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let took = started.elapsed();
    // Who knows the token of a link may use it: it stays out of the log.
    let shown = if pattern.contains("{token}") { &pattern } else { &path };
    app.metrics.request(&parts.method, &pattern, response.status(), took);
    tracing::info!(
        request.id = id,
        http.method = %parts.method,
        url.path = shown,
        http.status = response.status().as_u16(),
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "request served"
    );
    response
}

/// The caller's request id if it is a decent one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=128).contains(&id.len()))
        .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')))
        .map_or_else(|| new_uuid().simple().to_string(), str::to_owned)
}

/// Where a request comes from.
fn address(parts: &http::request::Parts, settings: &Settings) -> Option<IpAddr> {
    let forwarded = parts.headers.get("x-forwarded-for").filter(|_| settings.behind_proxy);
    // The proxy in front of us wrote the last one; what is before it, anybody may have.
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.or_else(|| parts.extensions.get::<IpAddr>().copied())
        .or_else(|| Some(parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()))
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let text = percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| Refusal::Malformed("The URL is not UTF-8.".into()))?;
    if text.contains('\0') {
        return Err(Refusal::Malformed("The URL holds a zero character.".into()));
    }
    Ok(text.into_owned())
}

/// Reads path and query into the request.
fn read_url(request: &mut Request, values: &[String], query: &str) -> Result<(), Refusal> {
    for value in values {
        request.path.push(decoded(value)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request.query.push((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?));
    }
    Ok(())
}

async fn serve(
    app: &Arc<App>,
    route: &Arc<Route>,
    parts: &http::request::Parts,
    values: Vec<String>,
    unread: &mut Option<Body>,
    now: stoa_base::Moment,
    id: &str,
) -> Outcome<Response> {
    let uri = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let address = address(parts, &app.world.settings);
    let mut request = Request { uri, headers: parts.headers.clone(), address, ..Request::default() };
    let credential = match route.access {
        Access::Public => None,
        Access::Signed | Access::SignedEvenByPassword => {
            let credential = Credential::of(parts, &app.world.settings)?;
            app.authenticator.precheck(&app.world, now, &credential)?;
            Some(credential)
        }
    };
    let used = credential.clone();
    let by_password = route.access == Access::SignedEvenByPassword;
    let world = Arc::clone(&app.world);
    let authenticator = Arc::clone(&app.authenticator);
    let id = id.to_owned();
    let anonymous =
        Call { actor: Actor::anonymous(), now, request: id.clone(), world: Arc::clone(&app.world) };
    // Who is calling is asked in the operation's own transaction, so that a revoked key dies at once.
    let enter = move |tx: &mut Tx| -> Outcome<Call> {
        let actor = match &credential {
            Some(credential) => authenticator.authenticate(tx, &world, now, credential, by_password)?,
            None => Actor::anonymous(),
        };
        Ok(Call { actor, now, request: id.clone(), world: Arc::clone(&world) })
    };

    let limit = match route.takes {
        Takes::Nothing => 64 << 10,
        Takes::Kind(_, _, limit, _)
        | Takes::KindIfAny(_, _, limit, _)
        | Takes::Json(limit)
        | Takes::Exactly(_, limit)
        | Takes::Raw(limit) => limit,
    };
    // A body of unknown length may be large too.
    if unread.as_ref().is_some_and(|body| body.size_hint().upper().is_none_or(|length| length > LARGE_BODY)) {
        let enter = enter.clone();
        app.db.read(move |tx| enter(tx).map(|_| ())).await?;
    }
    let read = tokio::time::timeout(BODY_PATIENCE, read_body(unread, limit)).await;
    let negotiated = read
        .unwrap_or_else(|_| Err(Refusal::Malformed("The body did not arrive in time.".into())))
        .and_then(|raw| {
            read_url(&mut request, &values, parts.uri.query().unwrap_or_default())?;
            negotiate(route, &mut request, raw)
        });

    let answer = answer(app, route, enter, negotiated, request, anonymous).await;
    // Now and then it is noted that a session is in use.
    if let Some(credential) = used.filter(|used| answer.is_ok() && app.authenticator.is_due(now, used)) {
        let (world, authenticator) = (Arc::clone(&app.world), Arc::clone(&app.authenticator));
        app.db.write(move |tx| authenticator.touch(tx, &world, now, &credential)).await?;
    }
    answer
}

async fn answer(
    app: &Arc<App>,
    route: &Arc<Route>,
    enter: impl Fn(&mut Tx) -> Outcome<Call> + Clone + Send + Sync + 'static,
    negotiated: Result<(), Refusal>,
    request: Request,
    anonymous: Call,
) -> Outcome<Response> {
    match &route.op {
        Op::Read(op) => {
            let op = Arc::clone(op);
            let reply = app.db.read(move |tx| {
                let call = enter(tx)?;
                negotiated?;
                op(tx, &call, &request)
            });
            Ok(dress(reply.await?))
        }
        Op::Write(op) => {
            let op = Arc::clone(op);
            let reply = app.db.write(move |tx| {
                let call = enter(tx)?;
                negotiated.clone()?;
                op(tx, &call, &request)
            });
            Ok(dress(reply.await?))
        }
        Op::Stream(op) => {
            let again = enter.clone();
            let call = match route.access {
                // Whoever asks how the installation is gets to know it, also when its database is gone.
                Access::Public => anonymous,
                Access::Signed | Access::SignedEvenByPassword => app.db.read(enter).await?,
            };
            negotiated?;
            op(Arc::clone(app), Visitor { call, again: Arc::new(again) }, request).await
        }
    }
}

/// The whole body. What is not read stays in `unread`.
async fn read_body(unread: &mut Option<Body>, limit: usize) -> Result<Bytes, Refusal> {
    let Some(mut incoming) = unread.take() else { return Ok(Bytes::new()) };
    let too_large = || Refusal::TooLarge { limit_bytes: limit };
    if incoming.size_hint().lower() > limit as u64 {
        *unread = Some(incoming);
        return Err(too_large());
    }
    match Limited::new(&mut incoming, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            *unread = Some(incoming);
            Err(too_large())
        }
        Err(_) => Err(Refusal::Malformed("The body broke off.".into())),
    }
}

/// The response, which ends once the rest of the request was sent, or enough of it: a connection closed over
/// unread bytes would be reset, and the client would never see why.
fn lingering(response: Response, mut rest: Body) -> Response {
    let (parts, body) = response.into_parts();
    let drained = async move {
        let mut left = LINGER_BYTES;
        while let Some(Ok(frame)) = rest.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let end = stream::once(tokio::time::timeout(LINGER, drained)).filter_map(|_| ready(None));
    Response::from_parts(parts, Body::from_stream(body.into_data_stream().chain(end)))
}

/// Steps 4 to 6: content type, accept, JSON.
fn negotiate(route: &Route, request: &mut Request, raw: Bytes) -> Result<(), Refusal> {
    let content_type = header(&request.headers, &CONTENT_TYPE);
    // What unpacks to much more than was sent is never unpacked.
    let encoding = header(&request.headers, &CONTENT_ENCODING).filter(|_| !raw.is_empty());
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let problem = format!("The body must come without a Content-Encoding, not as {encoding}.");
        return Err(Refusal::UnsupportedMediaType(problem));
    }
    let taken = match route.takes {
        Takes::Nothing => None,
        Takes::Raw(_) => {
            request.raw = raw;
            return accept(route, request);
        }
        Takes::Exactly(wanted, _) => {
            if !wanted.iter().any(|wanted| media::is(content_type.unwrap_or_default(), wanted)) {
                let (wanted, found) = (wanted.join(" or "), content_type.unwrap_or("absent"));
                let problem = format!("The Content-Type must be {wanted}, not {found}.");
                return Err(Refusal::UnsupportedMediaType(problem));
            }
            request.raw = raw;
            return accept(route, request);
        }
        Takes::KindIfAny(..) | Takes::Json(_) if raw.is_empty() => None,
        Takes::Json(_) => {
            let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
            if !essence.eq_ignore_ascii_case(media::JSON) {
                let found = content_type.unwrap_or("absent");
                let problem = format!("The Content-Type must be {}, not {found}.", media::JSON);
                return Err(Refusal::UnsupportedMediaType(problem));
            }
            accept(route, request)?;
            let json = body::parse(&raw)?;
            body::check_strings(&json, &[])?;
            request.json = Some(json);
            return Ok(());
        }
        Takes::Kind(kind, versions, _, long) | Takes::KindIfAny(kind, versions, _, long) => {
            let version = media::version_of(content_type.unwrap_or_default(), kind, versions);
            let wanted: Vec<String> = versions.iter().map(|version| media::of(kind, version)).collect();
            let version = version.ok_or_else(|| {
                Refusal::UnsupportedMediaType(format!(
                    "The Content-Type must be {}, not {}.",
                    wanted.join(" or "),
                    content_type.unwrap_or("absent")
                ))
            })?;
            Some((kind, version, long))
        }
    };
    accept(route, request)?;
    if let Some((kind, version, long)) = taken {
        let json = body::parse(&raw)?;
        for (field, wanted) in [("apiVersion", version), ("kind", kind)] {
            match json.get(field) {
                None | Some(serde_json::Value::Null) => {}
                Some(found) if found.as_str().is_some_and(|found| found.eq_ignore_ascii_case(wanted)) => {}
                Some(found) => {
                    let problem = format!("is {found}, but the Content-Type says {wanted}");
                    return Err(Refusal::invalid(field, problem));
                }
            }
        }
        body::check_strings(&json, long)?;
        request.json = Some(json);
    }
    Ok(())
}

fn accept(route: &Route, request: &mut Request) -> Result<(), Refusal> {
    // Several lines of a header are one list.
    let lines: Vec<&str> =
        request.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let asked = lines.join(",");
    let offered = match route.accept {
        Accept::Anything => return Ok(()),
        Accept::Exactly(wanted) if media::accepts(&asked, wanted) => return Ok(()),
        Accept::Exactly(wanted) => wanted.to_owned(),
        Accept::KindIfAny(_, versions) if !request.headers.contains_key(ACCEPT) => {
            request.version = versions.last().copied().unwrap_or_default();
            return Ok(());
        }
        Accept::Kind(kind, versions) | Accept::KindIfAny(kind, versions) => {
            if let Some(version) = media::accepted(&asked, kind, versions) {
                request.version = version;
                return Ok(());
            }
            let offered: Vec<String> = versions.iter().map(|version| media::of(kind, version)).collect();
            offered.join(" or ")
        }
    };
    Err(Refusal::NotAcceptable(format!(
        "This path answers in {offered}; the Accept header must name one of them."
    )))
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A reply as the response that goes out.
pub fn dress(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    if let Some(value) = reply.content_type.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}
