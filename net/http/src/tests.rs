mod hostile;
mod http1;
mod http2;
mod proxies;
mod upgrade;
