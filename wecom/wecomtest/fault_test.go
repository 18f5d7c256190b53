package wecomtest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func (b *bundle) addFaults(faults ...wecomtest.Fault) {
	b.t.Helper()
	for _, f := range faults {
		if err := b.AddFault(f); err != nil {
			b.t.Fatal(err)
		}
	}
}

// lost expects a call that ends without an answer.
func (b *bundle) lost(body string) {
	b.t.Helper()
	if code, raw, err := b.do(http.MethodPost, "/cgi-bin/message/send?access_token="+b.token, body); err == nil {
		b.t.Errorf("answer HTTP %d %s, want none", code, raw)
	}
}

func TestFaultsStrikeByTheirCount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults []wecomtest.Fault
		want   []wecom.Code
	}{
		"each call": {
			[]wecomtest.Fault{{API: "*", ErrCode: 45009}},
			[]wecom.Code{45009, 45009, 45009},
		},
		"after some have passed": {
			[]wecomtest.Fault{{API: "message/send", ErrCode: 45009, Skip: 2}},
			[]wecom.Code{0, 0, 45009, 45009},
		},
		"each third": {
			[]wecomtest.Fault{{API: "message/send", ErrCode: 45009, Every: 3}},
			[]wecom.Code{0, 0, 45009, 0, 0, 45009, 0},
		},
		"each second after one, once only": {
			[]wecomtest.Fault{{API: "message/send", ErrCode: 45009, Skip: 1, Every: 2, Times: 1}},
			[]wecom.Code{0, 0, 45009, 0, 0, 0},
		},
		"the first that is due wins": {
			[]wecomtest.Fault{
				{API: "message/send", ErrCode: 45009, Times: 1},
				{API: "message/send", ErrCode: 45033, Times: 2},
				{API: "gettoken", ErrCode: -1},
			},
			[]wecom.Code{45009, 45033, 45033, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{})
			b.addFaults(tc.faults...)
			var got []wecom.Code
			for range tc.want {
				got = append(got, b.send(text("a", "x")).ErrCode)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("errcodes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultsChooseTheirCalls(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		match wecomtest.Match
		body  string
		hit   bool
	}{
		"a recipient":                {wecomtest.Match{ToUser: "LiSi"}, text("zhangsan|lisi", "x"), true},
		"a glob of recipients":       {wecomtest.Match{ToUser: "ops-*"}, text("a|ops-7", "x"), true},
		"another recipient":          {wecomtest.Match{ToUser: "li"}, text("lisi", "x"), false},
		"a msgtype":                  {wecomtest.Match{MsgType: "text"}, text("a", "x"), true},
		"another msgtype":            {wecomtest.Match{MsgType: "news"}, text("a", "x"), false},
		"a part of the content":      {wecomtest.Match{Content: "<b>"}, strings.Replace(text("a", "disk TAG full"), "TAG", `\u003cb>`, 1), true},
		"a part of a nested list":    {wecomtest.Match{Content: "menu"}, message("news", `{"articles":[{"title":"menu","url":"http://a"}]}`), true},
		"content that is not there":  {wecomtest.Match{Content: "disk"}, text("a", "x"), false},
		"everything must fit":        {wecomtest.Match{MsgType: "text", Content: "disk"}, text("a", "x"), false},
		"a body that is not JSON":    {wecomtest.Match{MsgType: "text"}, "x", false},
		"touser that is not a texts": {wecomtest.Match{ToUser: "*"}, strings.Replace(text("a", "x"), `"a"`, `{}`, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{})
			b.addFaults(wecomtest.Fault{API: "message/send", Match: &tc.match, ErrCode: 6000})
			if a := b.send(tc.body); (a.ErrCode == 6000) != tc.hit {
				t.Errorf("errcode = %d, want hit %v", a.ErrCode, tc.hit)
			}
		})
	}
	t.Run("gettoken and an upload have no body to match", func(t *testing.T) {
		t.Parallel()
		b := setup(t, wecomtest.Rules{})
		b.addFaults(wecomtest.Fault{API: "*", Match: &wecomtest.Match{}, ErrCode: 6000})
		b.wantCode(b.upload(b.token, "file", "media", 10), 0)
		if token := b.login(wecomtest.CorpID, wecomtest.Secret); token != b.token {
			t.Error("gettoken returned another token")
		}
		b.wantCode(b.send(text("a", "x")), 6000)
	})
}

func TestFaultsAnswerInPlaceOfWeCom(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	b.addFaults(
		wecomtest.Fault{API: "message/send", Times: 1, ErrCode: 60020},
		wecomtest.Fault{API: "message/send", Times: 1, ErrCode: 40058, ErrMsg: "word for word"},
		wecomtest.Fault{API: "message/send", Times: 1, HTTPStatus: 502, Body: "<html>bad gateway</html>"},
	)
	if a := b.send(text("a", "x")); a.ErrCode != 60020 || !strings.HasPrefix(a.ErrMsg, "not allow to access from your ip, hint: [") {
		t.Errorf("answer %d %q", a.ErrCode, a.ErrMsg)
	}
	if a := b.send(text("a", "x")); a.ErrCode != 40058 || a.ErrMsg != "word for word" {
		t.Errorf("answer %d %q", a.ErrCode, a.ErrMsg)
	}
	code, raw, err := b.do(http.MethodPost, "/cgi-bin/message/send?access_token="+b.token, text("a", "x"))
	if err != nil || code != 502 || string(raw) != "<html>bad gateway</html>" {
		t.Errorf("answer HTTP %d %q, %v", code, raw, err)
	}
	if n := len(b.Messages()); n != 0 {
		t.Errorf("%d messages arrived in spite of the faults", n)
	}
	stats := b.Stats().APIs["message/send"]
	if diff := cmp.Diff(wecomtest.APIStats{Codes: map[wecom.Code]int64{60020: 1, 40058: 1}, Lost: 1}, stats); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestAnswersAreLostBeforeOrAfterTheWork(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   wecomtest.Fault
		arrived int
	}{
		"reset":                {wecomtest.Fault{API: "message/send", Reset: true, Times: 1}, 0},
		"reset after the work": {wecomtest.Fault{API: "message/send", Reset: true, Times: 1, After: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{})
			b.addFaults(tc.fault)
			b.lost(text("a", "x"))
			if n := len(b.Messages()); n != tc.arrived {
				t.Errorf("%d messages arrived, want %d", n, tc.arrived)
			}
			b.wantCode(b.send(text("a", "x")), 0)
		})
	}
}

func TestHangLastsUntilTheClientGoes(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	b.addFaults(wecomtest.Fault{API: "message/send", Hang: true, After: true})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/cgi-bin/message/send?access_token="+b.token, strings.NewReader(text("a", "x")))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	if _, err := b.WaitMessages(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the hanging call ended with %v", err)
	}
}

func TestDelayComesBeforeTheAnswerAndBeforeOrAfterTheWork(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before the work": false, "after the work": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sim := quiet(t, wecomtest.Rules{})
				token := tokenOf(t, sim)
				start := time.Now()
				if err := sim.AddFault(wecomtest.Fault{API: "message/send", Delay: wecomtest.Duration(5 * time.Second), After: after}); err != nil {
					t.Fatal(err)
				}
				if a := direct(t, sim, "/cgi-bin/message/send?access_token="+token, text("a", "x")); a.ErrMsg != "ok" {
					t.Errorf("answer %d %q", a.ErrCode, a.ErrMsg)
				}
				arrived := sim.Messages()[0].At.Sub(start)
				if took := time.Since(start); took != 5*time.Second || (arrived == 0) != after {
					t.Errorf("answered after %s, arrived after %s", took, arrived)
				}
			})
		})
	}
}

func TestFaultsAreValidated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault wecomtest.Fault
		want  string // part of the error; none if empty
	}{
		"unknown api":        {wecomtest.Fault{API: "send", Reset: true}, `api is "send": use one of *, gettoken`},
		"bad glob":           {wecomtest.Fault{API: "*", Reset: true, Match: &wecomtest.Match{ToUser: "["}}, "match.to_user"},
		"match of a token":   {wecomtest.Fault{API: "gettoken", Reset: true, Match: &wecomtest.Match{}}, "match: gettoken has no message"},
		"negative count":     {wecomtest.Fault{API: "*", Reset: true, Times: -1}, "cannot be negative"},
		"bad status":         {wecomtest.Fault{API: "*", HTTPStatus: 42}, "http_status is 42"},
		"nothing to do":      {wecomtest.Fault{API: "*", After: true}, "nothing to do"},
		"two actions":        {wecomtest.Fault{API: "*", Reset: true, ErrCode: 1}, "exclude each other"},
		"delay and a status": {wecomtest.Fault{API: "*", Delay: 1, HTTPStatus: 503}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := quiet(t, wecomtest.Rules{}).AddFault(tc.fault)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestRemovingTheFaultsEndsTheirDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := quiet(t, wecomtest.Rules{})
		token := tokenOf(t, sim)
		if err := sim.AddFault(wecomtest.Fault{API: "message/send", Delay: wecomtest.Duration(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(3*time.Second, sim.ClearFaults)
		if a := direct(t, sim, "/cgi-bin/message/send?access_token="+token, text("a", "x")); a.ErrMsg != "ok" {
			t.Errorf("answer %d %q", a.ErrCode, a.ErrMsg)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("answered after %s, want 3s", took)
		}
	})
}
