package gateway_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Messages of real programs arrive: testdata/clients has their bodies, and beside each the body for WeCom.
func TestClientsOfWeComNeedNoChange(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	const wrong = "ok. Warning: wrong json format. "
	const unknown = "ok. Warning: not known to wecomq and passed on: "
	says := map[string]string{
		"trailing-comma": wrong, "raw-newline": wrong, "number-touser": wrong, "number-toparty": wrong, "number-content": wrong,
		"safe-on-a-card": wrong,
		"cut-in-a-link":  "ok. Warning: too long and cut: markdown.content. ", "cut-in-a-tag": "ok. Warning: too long and cut: markdown.content. ",
		"news-btntxt": unknown + "news.articles[0].btntxt. ", "show-cover-pic": unknown + "mpnews.articles[0].show_cover_pic. ",
		"tomorrow": unknown + "text.mentions, expiry. ", "markdown-v2": unknown + "msgtype. ",
	}
	for _, path := range must(filepath.Glob("testdata/clients/*.json")) {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.wecomSend(token, file(t, path))
			want, ok := says[name]
			if !ok {
				want = "ok"
			}
			if a.ErrCode != 0 || a.ErrMsg != want {
				t.Fatalf("%+v, want %q", a, want)
			}
			golden(t, strings.TrimSuffix(path, ".json")+".golden", b.queuedBody(a.MsgID))
		})
	}
}

// queuedBody is the body of a message for WeCom.
func (b *bundle) queuedBody(id string) string {
	b.Helper()
	info := must(asynq.NewInspectorFromRedisClient(b.rdb).GetTaskInfo(tasks.Queue(must(tasks.AppOf(id)), tasks.Default), id))
	return string(must(tasks.Decode(info.Type, info.Payload)).Body)
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(strings.TrimSuffix(file(t, path), "\n"), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatIsNotKnownGoesThroughTheWorkerToo(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	b.wecomSend(token, file(t, "testdata/clients/tomorrow.json"))
	b.wecomSend(token, strings.Replace(file(t, "testdata/clients/explicit-values.json"), "zhangsan", manyUsers(message.MaxUsers+1), 1))
	b.work()
	bodies := ""
	for _, m := range must(b.sim.WaitMessages(t.Context(), 3)) {
		bodies += m.Body + "\n"
	}
	for text, times := range map[string]int{`"expiry":{"minutes":5}`: 1, `"is_checked":false`: 2, `"is_checked":1`: 2} {
		same(t, text, strings.Count(bodies, text), times)
	}
}

// Everyone gets a message only if touser is @all and nothing else.
func TestEveryoneIsNamedAlone(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	token := b.accessToken(senderToken)
	for touser, want := range map[string]struct{ stored, invalid string }{
		"@all": {stored: "@all"}, "@ALL": {stored: "@all"}, "@all|": {stored: "@all"},
		"@all|zhangsan": {"zhangsan", "@all"}, "lisi|@ALL": {"lisi", "@all"},
	} {
		a := b.wecomSend(token, strings.Replace(textBody, "zhangsan", touser, 1))
		if a.ErrCode != 0 {
			t.Fatalf("%q: %+v", touser, a)
		}
		invalid, _ := a.InvalidUser.(string)
		same(t, "invaliduser of "+touser, invalid, want.invalid)
		if body := b.queuedBody(a.MsgID); !strings.Contains(body, `"touser":"`+want.stored+`"`) {
			t.Errorf("%q became %s", touser, body)
		}
	}
}
