//! A real S3 server in the test's process, with faults between client and server.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use oicx::config::{S3Place, SecretSource, StoreOptions, StorePlace};
use oicx::store::Store;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    Status(u16),
    Slow(Duration),
    /// The call takes effect, and its answer is lost.
    Lost,
}

/// A fault for the next calls of one method.
#[derive(Debug)]
struct Planned {
    method: &'static str,
    left: usize,
    fault: Fault,
}

/// Ends with the test.
pub struct S3Server {
    endpoint: String,
    root: tempfile::TempDir,
    faults: Arc<Mutex<VecDeque<Planned>>>,
    task: tokio::task::JoinHandle<()>,
}

pub const BUCKET: &str = "backups";

impl S3Server {
    pub async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("key", "secret"));
        let service = builder.build();
        let faults: Arc<Mutex<VecDeque<Planned>>> = Arc::default();
        let planned = faults.clone();
        let handler = move |request: Request| {
            let (service, planned) = (service.clone(), planned.clone());
            async move {
                let fault = take(&planned, request.method().as_str());
                match fault {
                    Some(Fault::Status(status)) => return refusal(status),
                    Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
                    _ => {}
                }
                let answer = match service.call(request.map(s3s::Body::http_body_unsync)).await {
                    Ok(answer) => answer.map(Body::new),
                    Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                };
                if matches!(fault, Some(Fault::Lost)) { refusal(503) } else { answer }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(handler);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { endpoint, root, faults, task }
    }

    /// The next `times` calls of this method fail so.
    pub fn fault(&self, method: &'static str, times: usize, fault: Fault) {
        self.faults.lock().unwrap().push_back(Planned { method, left: times, fault });
    }

    pub fn clear_faults(&self) {
        self.faults.lock().unwrap().clear();
    }

    pub fn place_with(&self, key: SecretSource, secret: SecretSource) -> StorePlace {
        let options = StoreOptions {
            endpoint: Some(self.endpoint.parse().unwrap()),
            region: Some("eu-frankfurt-1".into()),
            access_key_id: Some(key),
            secret_access_key: Some(secret),
            ..StoreOptions::default()
        };
        StorePlace::S3(Box::new(S3Place { bucket: BUCKET.into(), prefix: "oic".into(), options }))
    }

    /// With the right keys.
    pub fn place(&self) -> StorePlace {
        let file = |name: &str| {
            let path = self.root.path().join(format!("{name}.key"));
            std::fs::write(&path, name).unwrap();
            SecretSource::File(path)
        };
        self.place_with(file("key"), file("secret"))
    }

    pub async fn store(&self) -> Store {
        Store::open_place(&self.place(), None).await.unwrap()
    }

    /// Lines for a config file that name this as `offsite`.
    pub fn config(&self) -> String {
        self.place();
        let file = |name: &str| self.root.path().join(format!("{name}.key"));
        format!(
            "[stores.offsite]\nurl = \"s3://{BUCKET}/oic\"\nendpoint = \"{}\"\nregion = \
                \"eu-frankfurt-1\"\naccess_key_id = {{ file = {:?} }}\nsecret_access_key = \
                {{ file = {:?} }}\n",
            self.endpoint,
            file("key"),
            file("secret")
        )
    }
}

fn take(planned: &Mutex<VecDeque<Planned>>, method: &str) -> Option<Fault> {
    let mut planned = planned.lock().unwrap();
    let found = planned.iter_mut().find(|p| p.method == method && p.left > 0)?;
    found.left -= 1;
    Some(found.fault)
}

fn refusal(status: u16) -> Response {
    let code = if status == 403 { "AccessDenied" } else { "SlowDown" };
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>not now</Message></Error>"
    );
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/xml")], body)
        .into_response()
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
