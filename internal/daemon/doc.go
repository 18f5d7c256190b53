// Package daemon is the process that runs: it brings a config to life. It is the one
// place where roles (producer, worker, gateway) meet the adapters they need; commands
// and tests take from it what they call.
//
//   - [Open] makes a [Deployment]: Redis, WeCom and what works on one app's messages.
//   - [New] makes a [Daemon] of it: a gateway, a worker, or both, that serves until
//     its context ends and goes on with another config at SIGHUP.
//
// What is wrong with the config is a [*config.Error].
package daemon
