package wecomtest_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestOnlyTheNewestMessagesAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Keep: 3})
	for i := range 5 {
		b.wantCode(b.send(text("a", strconv.Itoa(i))), 0)
	}
	messages := b.Messages()
	if len(messages) != 3 || messages[0].Seq != 3 || messages[2].Text != "4" {
		t.Errorf("kept %d messages from %d to %q, want 3, 3, 4", len(messages), messages[0].Seq, messages[len(messages)-1].Text)
	}
}

func TestWaitMessagesReturnsWithTheLastOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := quiet(t, wecomtest.Rules{})
		token := tokenOf(t, sim)
		go func() {
			for i := range 3 {
				<-time.After(time.Minute)
				direct(t, sim, "/cgi-bin/message/send?access_token="+token, text("a", strconv.Itoa(i)))
			}
		}()
		start := time.Now()
		messages, err := sim.WaitMessages(t.Context(), 3)
		if err != nil || len(messages) != 3 || time.Since(start) != 3*time.Minute {
			t.Errorf("%d messages after %s, %v", len(messages), time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = sim.WaitMessages(ctx, 4)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for 4 messages, 3 arrived") {
			t.Errorf("error %v", err)
		}
	})
}

func TestMessagesRememberWhatWasSentToWhom(t *testing.T) {
	t.Parallel()
	b := setup(t, company)
	body := `{"touser":"chen.li|Old_User","toparty":"12|99","totag":"3|4","msgtype":"text","agentid":1000002,"text":{"content":"x"}}`
	b.wantCode(b.send(body), 0)
	m := b.last()
	got := []any{m.Seq, m.At, m.CorpID, m.AgentID, m.MsgType, m.Text, m.Body, m.ToAll}
	want := []any{int64(1), b.clock.Now(), wecomtest.CorpID, int64(wecomtest.AgentID), "text", "x", body, false}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
	for _, list := range []struct {
		got  []string
		want string
	}{
		{m.To, "chen.li zhao.min qian.yi"},
		{m.Parties, "12"},
		{m.Tags, "3"},
		{m.InvalidUsers, "old_user"},
		{m.InvalidParties, "99"},
		{m.InvalidTags, "4"},
		{m.Unlicensed, "temp02"},
	} {
		if got := strings.Join(list.got, " "); got != list.want {
			t.Errorf("%q, want %q", got, list.want)
		}
	}
}
