// Package dashboard puts asynq's web dashboard, asynqmon, behind the gateway's login. It is read-only for tokens
// that may only read, loads nothing from other hosts, shows payloads and results in readable form, and guards
// the buttons that could lose messages.
package dashboard
