// Package gateway is the HTTP side: the REST API, an address that speaks like
// WeCom's own, health, and room for what others mount beside them.
//
// Files named rest_… are the REST API, files named wecom_… speak like WeCom. All
// others are the shell around both: routes, tokens and sessions, access log, budgets,
// problems. The two APIs share the shell's identities, budgets and errors so closely
// that a package of their own would need most of it handed in.
//
// It knows neither producers nor workers: what it needs of them are the small
// interfaces of [Services], and the errors of error.go are what they answer with.
package gateway
