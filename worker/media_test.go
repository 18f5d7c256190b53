package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// strict is a WeCom that refuses media_ids that it has not given out.
var strict = wecomtest.Rules{StrictMedia: true}

// keepPicture keeps a picture of its own, and returns what stands for it in a message.
func (b *bundle) keepPicture() string {
	b.Helper()
	store := media.New(b.rdb, media.Config{App: "ops", TTL: time.Hour})
	ref, err := store.Keep(b.Context(), wecom.MediaImage, "", []byte("\x89PNG\r\n\x1a\n and the rest"))
	if err != nil {
		b.Fatal(err)
	}
	return ref.String()
}

func image(to, id string) message.SendImageRequest {
	return message.SendImageRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Image: message.ImageField{MediaID: id}}
}

func (b *bundle) wantAccepted(attempts int) {
	b.Helper()
	if r := b.next(); r.State != tasks.Accepted || r.Attempts != attempts {
		b.Errorf("record %+v; want it accepted after %d attempts", r, attempts)
	}
}

// wantPictures wants so many messages, and uploads, to have come to WeCom.
func (b *bundle) wantPictures(messages int, uploads int64) {
	b.Helper()
	arrived := b.sim.Messages()
	for _, m := range arrived {
		if strings.Contains(m.Body, "sha256") {
			b.Errorf("WeCom got %s", m.Body)
		}
	}
	if got := b.sim.Stats().Uploads; len(arrived) != messages || got != uploads {
		b.Errorf("%d messages and %d uploads, want %d and %d", len(arrived), got, messages, uploads)
	}
}

func TestManyMessagesWithOnePictureUploadItOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t, strict)
	picture := b.keepPicture()
	const n = 30
	for i := range n {
		b.send(image(fmt.Sprint("user", i), picture), producer.Options{})
	}
	for range 3 {
		b.work()
	}
	for range n {
		b.wantAccepted(1)
	}
	b.wantPictures(n, 1)
}

func TestAMediaIDThatExpiredInTheQueueIsRenewedInTheSameAttempt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, strict)
	picture := b.keepPicture()
	stop := b.work()
	b.send(image("a", picture), producer.Options{})
	b.wantAccepted(1)
	stop()
	b.send(image("b", picture), producer.Options{})
	b.send(image("c", picture), producer.Options{})
	b.sim.ExpireMedia()
	b.work()
	b.wantAccepted(1)
	b.wantAccepted(1)
	b.wantPictures(3, 2)
}

func TestWeComIsAskedForANewMediaIDOncePerAttempt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, strict)
	b.fault(wecomtest.Fault{ErrCode: 40007})
	b.work()
	b.send(image("a", b.keepPicture()), producer.Options{})
	if r := b.next(); r.State != tasks.Rejected || r.ErrCode != 40007 || r.Attempts != 1 {
		t.Errorf("record %+v; want it rejected for 40007 after one attempt", r)
	}
	b.wantPictures(0, 2)
}

// The answer to the first attempt is lost, and meanwhile the shared media_id changes.
func TestEveryAttemptPostsTheSameMediaID(t *testing.T) {
	t.Parallel()
	b := newBundle(t, strict)
	request := image("a", b.keepPicture())
	request.EnableDuplicateCheck = 1
	b.fault(wecomtest.Fault{Reset: true, After: true, Times: 1})
	stop := b.work()
	b.send(request, producer.Options{})
	waittest.Until(t, "the first attempt", func() bool { return len(b.sim.Messages()) == 1 })
	stop()
	uploads := redistest.Keys(t, b.rdb, "*:media:upload:*")
	if len(uploads) != 1 {
		t.Fatalf("uploads %q, want one", uploads)
	}
	b.rdb.Del(t.Context(), uploads[0])
	b.work()
	b.wantAccepted(2)
	arrived := b.sim.Messages()
	if len(arrived) != 2 || arrived[0].Body != arrived[1].Body || !arrived[1].Suppressed {
		t.Errorf("WeCom got %+v; want the same bytes twice, the second suppressed", arrived)
	}
}

func TestAFileThatCannotBeSentEndsItsMessage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   *wecomtest.Fault // of the upload
		gone    bool
		sender  func(worker.Sender) worker.Sender
		errcode int64
		says    string
	}{
		"WeCom refuses it":        {fault: &wecomtest.Fault{ErrCode: 40004}, errcode: 40004, says: "media file type not allowed"},
		"an unknown errcode":      {fault: &wecomtest.Fault{ErrCode: 99999}, errcode: 99999, says: "99999"},
		"it is no longer kept":    {gone: true, says: "is no longer kept"},
		"a Sender without upload": {sender: func(s worker.Sender) worker.Sender { return struct{ worker.Sender }{s} }, says: "uploads no files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, strict, func(a *worker.App) {
				if tc.sender != nil {
					a.Sender = tc.sender(a.Sender)
				}
			})
			if tc.fault != nil {
				tc.fault.API = wecom.APIMediaUpload
				if err := b.sim.AddFault(*tc.fault); err != nil {
					t.Fatal(err)
				}
			}
			b.send(image("a", b.keepPicture()), producer.Options{})
			if tc.gone {
				b.rdb.Del(t.Context(), redistest.Keys(t, b.rdb, "*:media:content:*")...)
			}
			b.work()
			if r := b.next(); r.State != tasks.Rejected || r.ErrCode != tc.errcode || !strings.Contains(r.ErrMsg, tc.says) {
				t.Errorf("record %+v; want it rejected with errcode %d and %q", r, tc.errcode, tc.says)
			}
			b.wantPictures(0, 0)
		})
	}
}

// An upload that fails concerns the messages with that file: alerts go on.
func TestTextsPassWhileUploadsFail(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]wecomtest.Fault{
		"no answer":  {HTTPStatus: 502},
		"rate limit": {ErrCode: 45009},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, strict)
			fault.API = wecom.APIMediaUpload
			if err := b.sim.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			b.work()
			receipt := b.send(image("a", b.keepPicture()), producer.Options{})
			waittest.Until(t, "the upload fails", func() bool {
				r, err := b.ledger.Record(t.Context(), receipt.ID)
				return err == nil && r.State == tasks.Held
			})
			b.send(text("a", "x"), producer.Options{})
			if r := b.next(); r.Type != message.TypeText || r.State != tasks.Accepted || r.Attempts != 1 {
				t.Errorf("record %+v, want the text accepted", r)
			}
			if r, err := b.ledger.Record(t.Context(), receipt.ID); err != nil || r.State != tasks.Held || r.Attempts != 0 {
				t.Errorf("record %+v, error %v; want the picture held without an attempt", r, err)
			}
		})
	}
}
