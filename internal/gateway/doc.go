// Package gateway is the HTTP side: the REST API, an address that speaks like
// WeCom's own, health, and room for what others mount beside them.
//
// It knows neither producers nor workers: what it needs of them are the small
// interfaces of [Services], and the errors of error.go are what they answer with.
package gateway
