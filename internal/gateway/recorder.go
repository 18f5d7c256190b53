package gateway

import (
	"net/http"
	"strings"

	"github.com/wecomq/wecomq/internal/config"
)

// publicAddress is the part of [Config.PublicURL] that responses need.
type publicAddress struct {
	prefix string // of its path
	https  bool
	hsts   bool // it covers the whole host
}

func publicAddressOf(u config.PublicURL) publicAddress {
	return publicAddress{prefix: u.Prefix(), https: u.HTTPS(), hsts: u.HTTPS() && u.OwnsHost()}
}

// recorder records the status and size of a response, and adapts its headers to the public address.
type recorder struct {
	http.ResponseWriter

	prefix string // of the public address
	https  bool   // between the browser and us, or our proxy
	status int
	bytes  int64
}

// newRecorder also sets the headers of every response. Handlers of public content override those that forbid caching.
func (g *Gateway) newRecorder(w http.ResponseWriter, r *http.Request) *recorder {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	if g.public.hsts {
		header.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return &recorder{
		ResponseWriter: w, prefix: g.public.prefix,
		https: g.public.https || r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// WriteHeader records the status.
func (w *recorder) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

// begin records the status, adds the prefix to redirects and cookies, and marks cookies as Secure if the browser
// uses HTTPS.
func (w *recorder) begin(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	header := w.Header()
	for i, cookie := range header["Set-Cookie"] {
		if w.https {
			cookie += "; Secure"
		}
		header["Set-Cookie"][i] = strings.Replace(cookie, "; Path=/;", "; Path="+w.prefix+"/;", 1)
	}
	to := header.Get("Location")
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, w.prefix+"/") {
		header.Set("Location", w.prefix+to)
	}
}

// Write counts the bytes.
func (w *recorder) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
