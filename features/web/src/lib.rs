//! What is served over HTTP: the API, OpenAPI, health and metrics, and the tokens that open the API.

mod cross_site;
mod ctl_over_http;
mod health;
pub mod http_api;
mod metrics;
pub mod oauth;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::console::Console;
use nightjar_base::guard::Guard;
use nightjar_base::http::HttpHandler;
use nightjar_config::ModuleSpec;

const fn handler(name: &'static str, doc: &'static str) -> ModuleSpec {
    ModuleSpec { name, options: &[], doc }
}

static CTL: ModuleSpec = handler("ejabberd_ctl", "Answers ejabberdctl over HTTP, on UNIX sockets only.");
static OAUTH: ModuleSpec = handler("ejabberd_oauth", "Issues OAuth tokens for passwords.");
static HEALTH: ModuleSpec = handler(health::LIVE, "Tells that the process is alive.");
static READY: ModuleSpec = handler(health::READY, "Tells whether the server can do its work.");
static METRICS: ModuleSpec = handler(metrics::NAME, "Tells Prometheus what the server does.");

/// Request handlers that are no modules.
pub static HANDLERS: &[&ModuleSpec] = &[&CTL, &OAUTH, &HEALTH, &READY, &METRICS];

/// Offers the handlers that are no modules, and the commands about tokens, until the guards are dropped.
pub fn offer(kernel: &Arc<Kernel>, console: Arc<dyn Console>) -> Vec<Guard> {
    let add = |name, handler: Arc<dyn HttpHandler>| kernel.http.add(name, None, handler);
    let mut guards = vec![
        add("ejabberd_ctl", Arc::new(ctl_over_http::CtlOverHttp::new(console))),
        add("ejabberd_oauth", Arc::new(oauth::Endpoint)),
        add(health::LIVE, Arc::new(health::Live)),
        add(health::READY, Arc::new(health::Ready)),
        add(metrics::NAME, Arc::new(metrics::Metrics)),
    ];
    guards.extend(oauth::commands(kernel));
    guards
}
