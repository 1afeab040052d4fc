//! What is served over HTTP: the API, OpenAPI, health and metrics.
