// Package daemon is the running process. It alone connects the roles (producer, worker, gateway) with their
// adapters; commands and tests get what they need from it.
//
//   - [Open] turns a config into a [Deployment]: Redis, WeCom, and the services for the
//     messages of each app.
//   - [New] makes a [Daemon] of it: a gateway, a worker, or both. It serves until its
//     context ends, and reloads the config on SIGHUP.
//
// An error in the config is a [*config.Error].
package daemon
