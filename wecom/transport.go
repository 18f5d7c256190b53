package wecom

import (
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// Shorter than the 60-75 s after which common front ends close an idle connection, so that a request
	// seldom uses one that is being closed.
	idleTimeout = 50 * time.Second
)

// NewTransport returns a connection pool for calls to WeCom, to be shared by all clients with the same proxy.
// It keeps up to maxIdle connections open per host: pass the number of calls that may be in flight. A nil
// proxy means the one of HTTPS_PROXY and NO_PROXY.
//
// It uses HTTP/1.1 only: with one connection per call in flight, a stuck connection delays one message and
// not all of them.
func NewTransport(proxy *url.URL, maxIdle int) *http.Transport {
	pick := http.ProxyFromEnvironment
	if proxy != nil {
		pick = http.ProxyURL(proxy)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                 pick,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost:   max(maxIdle, 2),
		IdleConnTimeout:       idleTimeout,
		DisableCompression:    true, // replies are a few hundred bytes
		Protocols:             protocols,
	}
}
