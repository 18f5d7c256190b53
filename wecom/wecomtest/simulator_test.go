package wecomtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func FuzzSend(f *testing.F) {
	for _, sample := range samples.Messages() {
		f.Add(`{"agentid":"1000002",` + strings.TrimPrefix(sample, "{"))
	}
	f.Add("")
	f.Add("null")
	f.Add(`{"msgtype":"text","msgtype":7,"agentid":1e400,"safe":{}}`)
	f.Add(`{"touser":["a"],"msgtype":"news","agentid":1000002,"news":{"articles":[null,1,[]]}}`)
	sim := quiet(f, wecomtest.Rules{Keep: 10})
	token := tokenOf(f, sim)
	f.Fuzz(func(t *testing.T, body string) {
		rec := httptest.NewRecorder()
		sim.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/cgi-bin/message/send?access_token="+token, strings.NewReader(body)))
		var a struct {
			ErrCode *int64  `json:"errcode"`
			ErrMsg  *string `json:"errmsg"`
			MsgID   string  `json:"msgid"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || rec.Code != http.StatusOK {
			t.Fatalf("HTTP %d %q: %v", rec.Code, rec.Body, err)
		}
		if a.ErrCode == nil || a.ErrMsg == nil || (*a.ErrCode == 0) != (a.MsgID != "") {
			t.Errorf("answer %q", rec.Body)
		}
	})
}

// unlimited rules measure the simulator instead of WeCom's limits.
var unlimited = wecomtest.Rules{CallsPerMinute: -1, MemberPerMinute: -1, MemberPerHour: -1, Keep: 1000}

func BenchmarkSend(b *testing.B) {
	for name, body := range map[string]string{
		"one recipient":   text("chen.li", "Build 4812 failed on main."),
		"1000 recipients": text(users(1000), "Build 4812 failed on main."),
	} {
		for limits, rules := range map[string]wecomtest.Rules{"no limits": unlimited, "limits": {CallsPerMinute: 1e6, Keep: 1000}} {
			b.Run(name+", "+limits, func(b *testing.B) {
				sim := quiet(b, rules)
				path := "/cgi-bin/message/send?access_token=" + tokenOf(b, sim)
				b.ReportAllocs()
				for b.Loop() {
					sim.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, strings.NewReader(body)))
				}
			})
		}
	}
}

func BenchmarkSendOverHTTP(b *testing.B) {
	s := setup(b, unlimited)
	body := text("chen.li", "Build 4812 failed on main.")
	b.ReportAllocs()
	for b.Loop() {
		if a := s.send(body); a.ErrCode != 0 {
			b.Fatal(a.ErrMsg)
		}
	}
}
