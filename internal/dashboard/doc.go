// Package dashboard puts asynq's web dashboard, asynqmon, behind the gateway's
// login: read-only for who may only read, nothing loaded from elsewhere, payloads
// and results as people read them, and the buttons that would lose messages guarded.
package dashboard
