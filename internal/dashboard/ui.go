package dashboard

import (
	"bytes"
	"html"
	"net/http"
	"regexp"
	"strings"
)

// elsewhere matches the links of asynqmon's page to Google's fonts.
var elsewhere = regexp.MustCompile(`<link[^>]+href="https?://[^>]*>`)

// page buffers a page until it is complete. asynqmon's pages are all small.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the header of the response.
func (p *page) Header() http.Header { return p.header }

// WriteHeader records the status.
func (p *page) WriteHeader(status int) { p.status = status }

// Write keeps the bytes.
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// asynqmon cuts ids at the first "-", which would leave only the app's name of ours.
var (
	cutsIDs   = []byte(`=e.indexOf("-");return-1===t?e:e.substr(0,t)`)
	leavesIDs = []byte(`=e.indexOf("/");return-1===t?e:e.substr(0,t)`) // no id contains "/"
)

// serveUI serves asynqmon's files. Any other path gets its page, with the links to other hosts removed, and with
// a link back to ours.
func serveUI(w http.ResponseWriter, r *http.Request, monitor http.Handler, prefix string) {
	p := &page{header: w.Header(), status: http.StatusOK}
	monitor.ServeHTTP(p, r)
	body := p.body.Bytes()
	switch {
	case strings.HasPrefix(r.URL.Path, Root+"/static/"): // their names change with their content
		p.header.Set("Cache-Control", "private, max-age=3600")
		body = bytes.ReplaceAll(body, cutsIDs, leavesIDs)
	case strings.HasPrefix(http.DetectContentType(body), "text/html"):
		p.header.Set("Content-Type", "text/html; charset=utf-8")
		body = elsewhere.ReplaceAll(body, nil)
		body = bytes.Replace(body, []byte("</body>"), []byte(wayBack(prefix)+"</body>"), 1)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body)
}

// wayBack is a bar with a link to our own pages. asynqmon's pages do not fit a phone, and there the bar names
// pages that do.
func wayBack(prefix string) string {
	home := html.EscapeString(prefix)
	return `<style>#wecomq{position:fixed;z-index:2000;right:0;bottom:0;left:0;padding:.5rem 1rem;background:#17191c;color:#fff;` +
		`font:16px/1.4 system-ui,sans-serif}#wecomq a{color:#9cc3ff}#wecomq p{display:none;margin:.25rem 0 0}` +
		`@media(max-width:60rem){#wecomq p{display:block}}body{padding-bottom:3rem}</style>` +
		`<nav id="wecomq" aria-label="wecomq"><a href="` + home + `/">← wecomq</a>` +
		`<p>这个面板需要宽屏幕；在手机上请使用<a href="` + home + `/">应用</a>和<a href="` + home + `/messages">消息</a>页面。` +
		` This dashboard needs a wide screen; on a phone use the pages <a href="` + home + `/">Apps</a> and <a href="` + home + `/messages">Messages</a>.</p></nav>`
}
