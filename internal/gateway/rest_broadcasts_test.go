package gateway_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/waittest"
)

// form encodes an order with a list as a form: its body and its header.
func form(t *testing.T, parts ...string) (body, contentType string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i := 0; i < len(parts); i += 2 {
		part, err := w.CreateFormFile(parts[i], parts[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(parts[i+1]))
	}
	_ = w.Close()
	return out.String(), "Content-Type: " + w.FormDataContentType()
}

// ordered creates a broadcast.
func (b *bundle) ordered(order string) broadcast.Status {
	b.Helper()
	a := b.do("POST", "/v1/broadcasts", order, as(senderToken))
	if a.status != http.StatusAccepted {
		b.Fatalf("HTTP %d %s", a.status, a.body)
	}
	return decoded[broadcast.Status](b.T, a.body)
}

// reported is the body of a report.
func (b *bundle) reported(id, query string) string {
	b.Helper()
	a := b.do("GET", "/v1/broadcasts/"+id+"/report"+query, "", as(readerToken))
	if a.status != http.StatusOK {
		b.Fatalf("HTTP %d %s", a.status, a.body)
	}
	return a.body
}

// status is the status of a broadcast.
func (b *bundle) status(id string) broadcast.Status {
	b.Helper()
	return decoded[broadcast.Status](b.T, b.do("GET", "/v1/broadcasts/"+id, "", as(readerToken)).body)
}

func TestABroadcastIsOrderedAndReported(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.work()
	body, kind := form(t, "broadcast", `{"text":"你好 {{.name}}","rate":60000}`,
		"recipients", "userid,name\nanna,Anna\nleft.company,Bob\nANNA,Anna\n")
	created := b.do("POST", "/v1/broadcasts", body, as(senderToken), kind)
	first := decoded[broadcast.Status](t, created.body)
	if created.status != http.StatusAccepted || first.Recipients != 2 || first.Calls != 2 || first.Duplicates != 1 || first.CreatedBy != "sender" {
		t.Fatalf("HTTP %d %s", created.status, created.body)
	}
	if again := b.do("POST", "/v1/broadcasts", body, as(senderToken), kind); !strings.Contains(again.body, `"duplicate":true`) {
		t.Errorf("the repeat: %s", again.body)
	}
	waittest.Until(t, "it has ended", func() bool { return b.status(first.ID).State == broadcast.Finished })
	if done := b.status(first.ID); done.Counts.Accepted != 1 || done.Counts.Failed() != 1 {
		t.Errorf("%+v", done)
	}
	report := b.reported(first.ID, "?bom=true")
	if !strings.HasPrefix(report, "\uFEFFrecipient,state,errcode,errmsg,msgid,at\n") || strings.Count(report, "\n") != 3 {
		t.Errorf("report %q", report)
	}
	if got := b.reported(first.ID, "?format=ndjson&recipient=Anna"); !strings.HasPrefix(got, `{"recipient":"anna","state":"accepted","errcode":0,`) || strings.Count(got, "\n") != 1 {
		t.Errorf("report of one: %s", got)
	}
	same(t, "the sums", decoded[broadcast.Status](t, b.reported(first.ID, "?format=json")).Counts, b.status(first.ID).Counts)
	if got := b.do("GET", "/v1/broadcasts/"+first.ID+"/minutes", "", as(readerToken)); !strings.Contains(got.body, `"accepted":1`) {
		t.Errorf("minutes: %s", got.body)
	}
	if got := b.do("GET", "/v1/broadcasts?app=ops", "", as(readerToken)); !strings.Contains(got.body, first.ID) || strings.Contains(got.body, `"found"`) {
		t.Errorf("listed: %s", got.body)
	}
	if got := b.do("GET", "/v1/broadcasts?recipient=LEFT.company", "", as(readerToken)); !strings.Contains(got.body, first.ID) ||
		!strings.Contains(got.body, `"found":{"recipient":"left.company","state":"invalid","errcode":81013,`) {
		t.Errorf("found: %s", got.body)
	}
	same(t, "found for nobody", b.do("GET", "/v1/broadcasts?recipient=nobody", "", as(readerToken)).body, `{"broadcasts":[]}`+"\n")
}

func TestABroadcastIsControlled(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	order := b.ordered(`{"text":"hello","at":"2099-01-01T00:00:00Z","recipients":["anna","bob"]}`)
	if order.State != broadcast.Scheduled {
		t.Errorf("it is %s", order.State)
	}
	path := "/v1/broadcasts/" + order.ID
	for _, step := range []struct {
		act, token string
		status     int
		want       string
	}{
		{act: "/pause", token: readerToken, status: 403, want: "lacks the scope"},
		{act: "/pause", token: senderToken, status: 200, want: `"state":"paused"`},
		{act: "/resume", token: rootToken, status: 200, want: `"state":"scheduled"`},
		{act: "/approve", token: senderToken, status: 403, want: "lacks the scope"},
		{act: "/cancel", token: senderToken, status: 200, want: `"cancelled":{"actor":"sender"`},
		{act: "/resume", token: senderToken, status: 409, want: "it cannot be resumed"},
	} {
		if a := b.do("POST", path+step.act, "", as(step.token)); a.status != step.status || !strings.Contains(a.body, step.want) {
			t.Errorf("%s: HTTP %d %s; want %d and %s", step.act, a.status, a.body, step.status, step.want)
		}
	}
}

func TestASecondPersonApprovesABroadcast(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	order := `{"app":"ops","text":"hello","approve":true,"recipients":["anna"]}`
	created := decoded[broadcast.Status](t, b.do("POST", "/v1/broadcasts", order, as(approverToken)).body)
	if created.State != broadcast.AwaitingApproval {
		t.Errorf("it is %s", created.State)
	}
	review := b.status(created.ID).Review
	if review == nil || len(review.Samples) != 1 || review.Samples[0].Recipient != "anna" || review.QuotaCost != 1 || review.DayQuota == 0 {
		t.Errorf("whoever approves it sees %+v", review)
	}
	path := "/v1/broadcasts/" + created.ID + "/approve"
	if a := b.do("POST", path, "", as(approverToken)); a.status != http.StatusForbidden || !strings.Contains(a.body, "somebody else must") {
		t.Errorf("by its creator: HTTP %d %s", a.status, a.body)
	}
	if a := b.do("POST", path, "", as(secondToken)); a.status != http.StatusOK || !strings.Contains(a.body, `"approved":{"actor":"second"`) {
		t.Errorf("by another: HTTP %d %s", a.status, a.body)
	}
	if review := b.status(created.ID).Review; review != nil {
		t.Errorf("afterwards: %+v", review)
	}
}

func TestMoreRecipientsThanAllowedNeedApproval(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for n, want := range map[int]broadcast.State{approvalAbove: broadcast.Running, approvalAbove + 1: broadcast.AwaitingApproval} {
		var list strings.Builder
		for i := range n {
			fmt.Fprintf(&list, "user%d\n", i)
		}
		body, kind := form(t, "broadcast", `{"text":"hello"}`, "recipients", list.String())
		if got := decoded[broadcast.Status](t, b.do("POST", "/v1/broadcasts", body, as(senderToken), kind).body); got.State != want || got.Recipients != n {
			t.Errorf("to %d: %+v", n, got)
		}
	}
}

func TestABroadcastIsTestedBeforeItIsCreated(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.work()
	order := func(to string) answer {
		return b.do("POST", "/v1/broadcasts", `{"text":"hello","test_to":"`+to+`","recipients":["anna"]}`, as(senderToken), "Idempotency-Key: one")
	}
	p := b.problem(order("left.company"))
	if p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Detail, "to left.company, as anna would get it: rejected: ") {
		t.Errorf("%+v", p)
	}
	same(t, "what is there", b.do("GET", "/v1/broadcasts", "", as(readerToken)).body, `{"broadcasts":[]}`+"\n")
	var ids []string
	for range 2 { // the repetition sends nothing
		a := order("bob")
		if a.status != http.StatusAccepted {
			t.Fatalf("HTTP %d %s", a.status, a.body)
		}
		ids = append(ids, decoded[broadcast.Status](t, a.body).ID)
	}
	same(t, "the repeat", ids[1], ids[0])
	waittest.Until(t, "it has ended", func() bool { return b.status(ids[0]).State == broadcast.Finished })
	var got []string
	for _, m := range b.sim.Messages() {
		got = append(got, m.To...)
	}
	same(t, "who got it", got, []string{"bob", "anna"})
}

func TestADryRunStoresNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	order := `{"markdown":"**{{.name}}**","skip_invalid":true,"test_to":"bob","recipients":[` +
		`{"userid":"anna","name":"A\nB"},{"userid":"no one","name":"C"},{"userid":"Anna","name":"D"}]}`
	a := b.do("POST", "/v1/broadcasts?dry_run=true", order, as(senderToken))
	got := decoded[broadcast.Preview](t, a.body)
	if a.status != http.StatusOK || got.Recipients != 1 || got.Duplicates != 1 || got.Invalid != 1 || got.QuotaCost != 1 || got.ETA.IsZero() || len(got.Samples) != 1 {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	if sample := string(got.Samples[0].Body); !strings.Contains(sample, `"markdown":{"content":"**A\nB**"}`) {
		t.Errorf("the sample is %s", sample)
	}
	same(t, "the problem's place", got.Problems[0].Line, 2)
	if a := b.do("GET", "/v1/broadcasts/"+got.ID, "", as(readerToken)); a.status != http.StatusNotFound {
		t.Errorf("it was stored: %s", a.body)
	}
}

func TestADryRunFetchesNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	order := `"message":{"msgtype":"image","image":{"media_id":"http://127.0.0.1/a.png"}},"recipients":["anna"]}`
	for query, want := range map[string]struct {
		member string
		status int
	}{
		"":              {`{`, http.StatusUnprocessableEntity}, // no public address
		"?dry_run=true": {`{`, http.StatusOK},
		"?":             {`{"dry_run":true,`, http.StatusOK},
	} {
		if a := b.do("POST", "/v1/broadcasts"+query, want.member+order, as(senderToken)); a.status != want.status {
			t.Errorf("%s %s: HTTP %d %s", query, want.member, a.status, a.body)
		}
	}
}

func TestABadOrderCreatesNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	list := func(parts ...string) []string { body, kind := form(t, parts...); return []string{body, kind} }
	const good = `{"text":"hello {{.name}}"}`
	for name, tc := range map[string]struct { //nolint:paralleltest // none of them may leave a broadcast: see below
		body   []string // and its header
		status int
		want   string
	}{
		"no JSON":                {[]string{"{"}, 400, "malformed"},
		"unknown member":         {[]string{`{"tetx":"a"}`}, 422, `"location":"body.tetx"`},
		"member of another kind": {[]string{`{"rate":"fast"}`}, 422, `"location":"body.rate"`},
		"no content":             {[]string{`{"recipients":["a"]}`}, 422, "there are 0 contents"},
		"no recipients":          {[]string{`{"text":"a"}`}, 422, `"location":"body.recipients"`},
		"time that is none":      {[]string{`{"text":"a","at":"tomorrow","recipients":["a"]}`}, 422, `"location":"body.at"`},
		"hours that are none":    {[]string{`{"text":"a","between":"9-18","recipients":["a"]}`}, 422, `"location":"body.between"`},
		"encoding of nobody":     {list("broadcast", `{"text":"a","encoding":"latin1"}`, "recipients", "anna"), 422, `"location":"body.encoding"`},
		"tester who is none":     {[]string{`{"text":"a","test_to":"@all","recipients":["a"]}`}, 422, `"location":"body.test_to"`},
		"life that is none":      {[]string{`{"text":"a","expires_in":"2 days","recipients":["a"]}`}, 422, `"location":"body.expires_in"`},
		"message that is wrong":  {[]string{`{"message":{"msgtype":"text","text":{"content":""}},"recipients":["a"]}`}, 422, `"location":"body.message.text.content"`},
		"file that is not kept":  {[]string{`{"message":{"msgtype":"image","image":{"media_id":"sha256:` + strings.Repeat("0", 64) + `"}},"recipients":["a"]}`}, 422, `"location":"body.message.image.media_id"`},
		"object without a name":  {[]string{`{"text":"{{.name}}","recipients":[{"userid":"a","name":"A"},{"userid":"b"}]}`}, 422, `"location":"body.recipients[1]"`},
		"app of another token":   {[]string{`{"app":"hr","text":"a","recipients":["a"]}`}, 403, "may not use the app"},
		"keys that differ":       {[]string{`{"text":"a","idempotency_key":"b","recipients":["a"]}`, "Idempotency-Key: c"}, 422, "idempotency_key"},
		"list before the order":  {list("recipients", "anna", "broadcast", good), 400, "stands where"},
		"form without an order":  {list(), 400, "no part"},
		"part after the list":    {list("broadcast", `{"text":"a"}`, "recipients", "anna", "more", ""), 400, "a part follows"},
		"form that breaks off":   {[]string{strings.TrimSuffix(list("broadcast", `{"text":"a"}`, "recipients", "anna")[0], "--\r\n")[:300], "Content-Type: multipart/form-data; boundary=x"}, 400, ""},
		"missing column":         {list("broadcast", good, "recipients", "userid\nanna\n"), 422, `"column":"name"`},
		"rows with problems":     {list("broadcast", good, "recipients", "userid,name\nanna,A\nno one,B\n,C\n"), 422, `"invalid_rows":2,"rows":[{"line":3,"column":"userid"`},
	} {
		t.Run(name, func(t *testing.T) {
			headers := append([]string{as(senderToken)}, tc.body[1:]...)
			a := b.do("POST", "/v1/broadcasts", tc.body[0], headers...)
			if a.status != tc.status || !strings.Contains(a.body, tc.want) {
				t.Errorf("HTTP %d %s; want %d and %s", a.status, a.body, tc.status, tc.want)
			}
		})
	}
	same(t, "what is there", b.do("GET", "/v1/broadcasts", "", as(readerToken)).body, `{"broadcasts":[]}`+"\n")
}

func TestABroadcastOfAnotherAppIsForbidden(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	created := decoded[broadcast.Status](t, b.do("POST", "/v1/broadcasts", `{"app":"hr","text":"hello","recipients":["anna"]}`, as(rootToken)).body)
	for path, want := range map[string]int{
		"/v1/broadcasts/" + created.ID:                          http.StatusForbidden,
		"/v1/broadcasts/" + created.ID + "/report":              http.StatusForbidden,
		"/v1/broadcasts?app=hr":                                 http.StatusForbidden,
		"/v1/broadcasts/ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD":         http.StatusNotFound,
		"/v1/broadcasts/ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD/minutes": http.StatusNotFound,
		"/v1/broadcasts/ops-01JD5K3V8N0000000000000000":         http.StatusNotFound,
	} {
		if a := b.do("GET", path, "", as(readerToken)); a.status != want {
			t.Errorf("%s: HTTP %d %s", path, a.status, a.body)
		}
	}
}

func TestABroadcastIsNoMessageButCanBeRecalled(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.work()
	id := b.ordered(`{"text":"hello","recipients":["anna","left.company"]}`).ID
	waittest.Until(t, "it has ended", func() bool { return b.status(id).State == broadcast.Finished })
	for _, one := range []string{id, id + ".0.0"} {
		if a := b.do("GET", "/v1/messages/"+one, "", as(readerToken)); a.status != http.StatusNotFound || !strings.Contains(a.body, "GET /v1/broadcasts/"+id) {
			t.Errorf("%s: HTTP %d %s", one, a.status, a.body)
		}
	}
	replay := b.do("POST", "/v1/broadcasts/"+id+"/replay", "", as(rootToken))
	if again := decoded[broadcast.Status](t, replay.body); replay.status != http.StatusAccepted || again.Recipients != 1 || again.ReplayOf != id {
		t.Errorf("replay: HTTP %d %s", replay.status, replay.body)
	}
	if a := b.do("POST", "/v1/broadcasts/"+id+"/replay", `{"errcode":1}`, as(rootToken)); a.status != http.StatusConflict {
		t.Errorf("replay for nobody: HTTP %d %s", a.status, a.body)
	}
	for _, path := range []string{"/v1/broadcasts/", "/v1/messages/"} {
		if a := b.do("POST", path+id+"/recall", "", as(approverToken)); a.status != http.StatusForbidden {
			t.Errorf("%s: another token recalls it: HTTP %d %s", path, a.status, a.body)
		}
		a := b.do("POST", path+id+"/recall", "", as(senderToken))
		if a.status != http.StatusAccepted || !strings.Contains(a.body, `"recalled":1,"failed":0,"left":0`) {
			t.Errorf("%s: HTTP %d %s", path, a.status, a.body)
		}
	}
}

func TestATokenStopsOnlyItsOwnBroadcasts(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.ordered(`{"text":"hello","recipients":["anna"]}`).ID
	for _, act := range []string{"pause", "resume", "cancel"} {
		for token, want := range map[string]int{approverToken: http.StatusForbidden, senderToken: http.StatusOK} {
			if act == "cancel" && token == senderToken {
				token = recallerToken
			}
			if a := b.do("POST", "/v1/broadcasts/"+id+"/"+act, "", as(token)); a.status != want {
				t.Errorf("%s: HTTP %d %s, want %d", act, a.status, a.body, want)
			}
		}
	}
}
