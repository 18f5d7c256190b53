package wecomtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// page is what a browser gets from the simulator.
func (b *bundle) page(path string) string {
	b.t.Helper()
	code, body, err := b.do(http.MethodGet, path, "")
	if err != nil || code != http.StatusOK {
		b.t.Fatalf("GET %s: HTTP %d, %v: %s", path, code, err, body)
	}
	return string(body)
}

func TestPageShowsMessagesAsPeopleSeeThem(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want []string
		not  []string
	}{
		"a text has its links and lines, and no other HTML": {
			message("text", `{"content":"see <a href=\"https://ci.example.com/1\">the log</a>\nhttps://a.example/b?c=1 <script>alert(1)</script>"}`),
			[]string{`<a href="https://ci.example.com/1" target="_blank" rel="noopener noreferrer" class="">the log</a>`, `<a href="https://a.example/b?c=1"`, "&lt;script&gt;alert(1)&lt;/script&gt;"},
			[]string{"<script>alert"},
		},
		"a link that is a script stays text": {
			message("text", `{"content":"<a href=\"javascript:alert(1)\">x</a>"}`),
			[]string{"&lt;a href="},
			[]string{`href="javascript`},
		},
		"markdown has headings, quotes, colours, code and links": {
			message("markdown", `{"content":"### Disk\n> host: **db-03** <font color=\"warning\">93%</font>\n[Book](https://run.example.com/) `+"`df -h`"+` <b>no</b>"}`),
			[]string{`class="line h3">Disk<`, `class="line quote">host: <span class=" bold">db-03</span>`, `<span class="warning">93%</span>`, `<a href="https://run.example.com/"`, "<code>df -h</code>", "&lt;b&gt;no"},
			[]string{"<b>no"},
		},
		"a textcard has its paragraphs and its button": {
			message("textcard", `{"title":"Leave <i>","description":"<div class=\"gray\">12 May</div>two days<br><div class=\"highlight\">now</div>","url":"https://oa.example.com/l","btntxt":"Open"}`),
			[]string{"<h3>Leave &lt;i&gt;</h3>", `class="line gray">12 May<`, `class="line ">two days<`, `class="line highlight">now<`, `rel="noopener noreferrer">Open</a>`},
			nil,
		},
		"a picture is not fetched": {
			message("news", `{"articles":[{"title":"Menu","url":"https://i.example.com/m","picurl":"https://track.example.com/p.png"}]}`),
			[]string{"picture from track.example.com", ">Menu</a>"},
			[]string{"<img", "p.png"},
		},
		"a file shows what it is": {
			message("file", `{"media_id":"m-1"}`), []string{`class="file file"`, "<code>m-1</code>"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{})
			b.wantCode(b.send(tc.body), 0)
			page := b.page("/")
			for _, want := range tc.want {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %s:\n%s", want, page)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(page, not) {
					t.Errorf("the page has %s:\n%s", not, page)
				}
			}
		})
	}
}

// Each of the samples says what people must find of it on the page.
func TestPageShowsEveryMsgType(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	for _, sample := range samples.Messages() {
		b.wantCode(b.send(`{"agentid":1000002,`+strings.TrimPrefix(sample, "{")), 0)
	}
	page := b.page("/")
	for _, want := range []string{
		"Build 4812 failed", "3aXk…", "3bQp…", "3cZz…", "Fire drill", "Watch before Friday", "Leave request", "Canteen menu",
		"mini program wx0000000000000000 pages/seat?floor=3", "Rotate passwords", "by IT", "Disk alert", "会议室预订成功",
		"<dt>会议室</dt><dd>7F-03</dd>", "Growing 2% per hour", ">Runbook</a>", "@Chen Li", "picture from intra.example.com",
		"Index rebuilt nightly", "Purchase request", `class="option chosen">IT<`, `class="button style1">Approve<`,
		`class="option chosen">Noodles<`, `class="option chosen">P2<`, ">Assign</span>", "everyone", "department 12",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestPageTellsWhoGotWhat(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Members: []string{"a", "b"}, MemberPerMinute: 1})
	once := `{"touser":"a","msgtype":"text","agentid":1000002,"text":{"content":"once"},"enable_duplicate_check":1}`
	b.wantCode(b.send(once), 0)
	b.wantCode(b.send(once), 0)
	b.wantCode(b.send(text("a|b|gone", "to three")), 0)
	page := b.page("/")
	for _, want := range []string{"suppressed: duplicate", "a dropped", "gone invalid", "dropped over a member"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if newer, older := strings.Index(page, "to three"), strings.Index(page, "once"); newer > older {
		t.Error("the newest message is not the first")
	}
	if page := b.page("/?user=B"); strings.Contains(page, "once") || !strings.Contains(page, "to three") {
		t.Errorf("the page of b is not what b sees:\n%s", page)
	}
	if part := b.page("/?part=messages"); strings.Contains(part, "<html") || !strings.Contains(part, "to three") {
		t.Errorf("the part that changes is not that alone:\n%s", part)
	}
	b.wantCode(b.post("message/recall", `{"msgid":`+quote(b.last().MsgID)+`}`), 0)
	if page := b.page("/"); !strings.Contains(page, `<span class="badge">recalled`) {
		t.Error("a recalled message looks like any other")
	}
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, path := range []string{"/page.css", "/page.js"} {
		if file := b.page(path); strings.Contains(file, "//fonts") || strings.Contains(file, "url(") {
			t.Errorf("%s loads something", path)
		}
	}
}

func FuzzPage(f *testing.F) {
	for _, sample := range samples.Messages() {
		f.Add(`{"agentid":1000002,` + strings.TrimPrefix(sample, "{"))
	}
	f.Add(message("markdown", `{"content":"# **[a](https://b) `+"`c` <font color='info'>d</font>**"+`"}`))
	f.Add(message("text", `{"content":"<a href='https://x'><script>1</script></a>"}`))
	sim := quiet(f, wecomtest.Rules{Keep: 1, CallsPerMinute: -1, MemberPerMinute: -1, MemberPerHour: -1})
	token := tokenOf(f, sim)
	f.Fuzz(func(t *testing.T, body string) {
		if direct(t, sim, "/cgi-bin/message/send?access_token="+token, body).ErrCode != 0 {
			t.Skip("it does not arrive")
		}
		rec := httptest.NewRecorder()
		sim.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/?part=messages", nil))
		part := strings.ToLower(rec.Body.String())
		if rec.Code != http.StatusOK {
			t.Fatalf("HTTP %d: %s", rec.Code, part)
		}
		for _, not := range []string{"<script", "<img", "<iframe", `href="javascript`} {
			if strings.Contains(part, not) {
				t.Errorf("the page has %s:\n%s", not, part)
			}
		}
	})
}
