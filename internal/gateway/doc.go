// Package gateway serves HTTP: the REST API, an API compatible with WeCom's own, health probes, and handlers
// that other packages mount.
//
// Files named rest_… are the REST API, files named wecom_… the WeCom-compatible one. The others are the shell
// around both: routes, tokens and sessions, the access log, body limits, problems. Both APIs use so much of the
// shell that separate packages would need most of it passed in.
//
// The package does not import producers or workers. It reaches them through the small interfaces of [Services],
// whose errors are those of error.go.
package gateway
