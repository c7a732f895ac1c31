//! The one place where outcomes become status codes (`api-core.md` §1.8).

use crate::media;
use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use std::error::Error as _;
use stoa_base::{Moment, Refusal};
use stoa_core::Error;

/// Status and `errorCode` of a refusal.
pub fn status_of(refusal: &Refusal) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match refusal {
        Refusal::Malformed(_) | Refusal::Invalid { .. } => (S::BAD_REQUEST, "BadRequest"),
        Refusal::Unauthorized(_) => (S::UNAUTHORIZED, "Unauthorized"),
        Refusal::Forbidden(_) => (S::FORBIDDEN, "Forbidden"),
        Refusal::ForbiddenAs { code, .. } => (S::FORBIDDEN, code),
        Refusal::Missing { .. } | Refusal::Absent(_) => (S::NOT_FOUND, "NotFound"),
        Refusal::WrongMethod { .. } => (S::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        Refusal::NotAcceptable(_) => (S::NOT_ACCEPTABLE, "NotAcceptable"),
        Refusal::UnsupportedMediaType(_) => (S::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"),
        Refusal::Conflict { code, .. } => (S::CONFLICT, code),
        Refusal::Gone(_) => (S::GONE, "Gone"),
        Refusal::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "PayloadTooLarge"),
        Refusal::Impossible(_) => (S::UNPROCESSABLE_ENTITY, "UnprocessableEntity"),
        Refusal::Locked { .. } => (S::LOCKED, "Locked"),
        Refusal::TooMany { .. } => (S::TOO_MANY_REQUESTS, "TooManyRequests"),
        Refusal::Unavailable(_) => (S::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    }
}

/// Fields or objects that a refusal is about.
pub fn remarks_of(refusal: &Refusal) -> Vec<String> {
    match refusal {
        Refusal::Invalid { field, .. } => vec![field.clone()],
        Refusal::Conflict { remarks, .. } => remarks.clone(),
        _ => Vec::new(),
    }
}

/// The answer to a request that did not succeed. A fault is logged here, once, with its whole chain.
pub fn response(error: &Error, path: &str, now: Moment, request: &str) -> Response {
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::Failed(fault) => {
            let mut causes = Vec::new();
            let mut cause = fault.source();
            while let Some(inner) = cause {
                causes.push(inner.to_string());
                cause = inner.source();
            }
            tracing::error!(request.id = request, url.path = path, error = %fault, causes = ?causes, "request failed");
            let message = format!("Something failed on our side. Quote the request id {request}.");
            return with_body(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                &message,
                path,
                now,
                &[],
            );
        }
    };
    let (status, code) = status_of(refusal);
    if let Refusal::Locked { holder } = refusal {
        // Terraform shows the holder, and wants nothing else in the body.
        return plain(status, holder.clone());
    }
    let remarks = remarks_of(refusal);
    let mut response = with_body(status, code, &refusal.to_string(), path, now, &remarks);
    let headers = response.headers_mut();
    match refusal {
        Refusal::Unauthorized(_) => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Refusal::WrongMethod { allow } => {
            headers.extend(HeaderValue::from_str(allow).map(|value| (ALLOW, value)));
        }
        Refusal::TooMany { retry_after } => {
            headers.insert(RETRY_AFTER, retry_after.as_secs().max(1).into());
        }
        Refusal::Unavailable(_) => {
            headers.insert(RETRY_AFTER, 1.into());
        }
        _ => {}
    }
    response
}

fn with_body(
    status: StatusCode,
    code: &str,
    message: &str,
    path: &str,
    now: Moment,
    remarks: &[String],
) -> Response {
    let mut body = json!({
        "errorCode": code,
        "message": message,
        "status": status.as_u16(),
        "timestamp": now.to_string(),
        "path": path,
    });
    if !remarks.is_empty() {
        body["remarks"] = json!(remarks);
    }
    if status == StatusCode::UNAUTHORIZED && path == "/api/login" {
        body["error"] = json!("invalid_client");
        body["error_description"] = json!(message);
    }
    plain(status, body.to_string())
}

fn plain(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media::JSON));
    response
}
