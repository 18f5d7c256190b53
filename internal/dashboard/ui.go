package dashboard

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
)

// elsewhere are the links of asynqmon's page to Google's fonts.
var elsewhere = regexp.MustCompile(`<link[^>]+href="https?://[^>]*>`)

// page is a page held back until it is whole. asynqmon's are all small.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is that of the answer.
func (p *page) Header() http.Header { return p.header }

// WriteHeader notes the status.
func (p *page) WriteHeader(status int) { p.status = status }

// Write keeps the bytes.
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// serveUI serves asynqmon's files. What is no file is its page, in which nothing
// may come from elsewhere.
func serveUI(w http.ResponseWriter, r *http.Request, monitor http.Handler) {
	if strings.HasPrefix(r.URL.Path, Root+"/static/") { // their names change with their content
		w.Header().Set("Cache-Control", "private, max-age=86400")
		monitor.ServeHTTP(w, r)
		return
	}
	p := &page{header: w.Header(), status: http.StatusOK}
	monitor.ServeHTTP(p, r)
	body := p.body.Bytes()
	if strings.HasPrefix(http.DetectContentType(body), "text/html") {
		p.header.Set("Content-Type", "text/html; charset=utf-8")
		p.header.Set("Cache-Control", "no-store")
		body = elsewhere.ReplaceAll(body, nil)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body)
}
