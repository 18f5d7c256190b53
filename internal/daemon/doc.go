// Package daemon is the running process. It is the only place that wires roles (producer,
// worker, gateway) to their adapters; commands and tests get what they need from it.
//
//   - [Open] turns a config into a [Deployment]: Redis, WeCom, and what handles the
//     messages of each app.
//   - [New] makes a [Daemon] of it: a gateway, a worker, or both. It serves until its
//     context ends, and reloads the config on SIGHUP.
//
// A mistake in the config is a [*config.Error].
package daemon
