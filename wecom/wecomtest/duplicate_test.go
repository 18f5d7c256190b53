package wecomtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// checked is a text with the duplicate check on and more members, if any.
func checked(members string) string {
	return strings.Replace(text("a", "x"), "{", `{"enable_duplicate_check":1,`+members, 1)
}

func TestDuplicatesAreAcceptedAndNotDelivered(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, second string
		wait          time.Duration
		suppressed    bool
	}{
		"same body at once":                         {first: checked(""), second: checked(""), suppressed: true},
		"same body just inside the default":         {first: checked(""), second: checked(""), wait: 1800*time.Second - 1, suppressed: true},
		"same body after the default":               {first: checked(""), second: checked(""), wait: 1800 * time.Second},
		"same body inside an interval of its own":   {first: checked(`"duplicate_check_interval":5,`), second: checked(`"duplicate_check_interval":5,`), wait: 5*time.Second - 1, suppressed: true},
		"same body after an interval of its own":    {first: checked(`"duplicate_check_interval":5,`), second: checked(`"duplicate_check_interval":5,`), wait: 5 * time.Second},
		"an interval over four hours is four hours": {first: checked(`"duplicate_check_interval":99999,`), second: checked(`"duplicate_check_interval":99999,`), wait: 4 * time.Hour},
		"an interval of zero is the default":        {first: checked(`"duplicate_check_interval":0,`), second: checked(`"duplicate_check_interval":0,`), wait: 1800*time.Second - 1, suppressed: true},
		"other bytes with the same meaning":         {first: checked(""), second: checked("") + " "},
		"the check is off":                          {first: text("a", "x"), second: text("a", "x")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{TokenTTL: wecomtest.Duration(24 * time.Hour)})
			first := b.send(tc.first)
			b.wantCode(first, 0)
			b.clock.Advance(tc.wait)
			second := b.send(tc.second)
			b.wantCode(second, 0)
			m := b.last()
			if m.Suppressed != tc.suppressed || (len(m.To) == 0) != tc.suppressed {
				t.Errorf("suppressed = %v, delivered to %v", m.Suppressed, m.To)
			}
			if second.MsgID == "" || second.MsgID == first.MsgID || m.MsgID != second.MsgID {
				t.Errorf("msgids %q and %q", first.MsgID, second.MsgID)
			}
		})
	}
}

func TestDuplicatesAreLookedForPerApp(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Apps: []wecomtest.App{
		{CorpID: "ww1", AgentID: 1000002, Secret: "a"},
		{CorpID: "ww2", AgentID: 1000002, Secret: "b"},
	}})
	b.wantCode(b.send(checked("")), 0)
	b.wantCode(b.call(http.MethodPost, "/cgi-bin/message/send?access_token="+b.login("ww2", "b"), checked("")), 0)
	if b.last().Suppressed || b.Stats().Suppressed != 0 {
		t.Error("the other company's message was suppressed")
	}
}

func TestARefusedMessageLeavesNoDuplicateMark(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Invisible: []string{"a"}})
	b.wantCode(b.send(checked("")), 81013)
	if err := b.SetRules(wecomtest.Rules{}); err != nil {
		t.Fatal(err)
	}
	if err := b.AddFault(wecomtest.Fault{API: "message/send", ErrCode: wecom.Code(-1), Times: 1}); err != nil {
		t.Fatal(err)
	}
	b.wantCode(b.send(checked("")), -1)
	b.wantCode(b.send(checked("")), 0)
	if b.last().Suppressed {
		t.Error("the first delivery was suppressed")
	}
}
