package broadcast

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Broadcast is a broadcast as it stands.
type Broadcast struct {
	ID, App string
	Spec    Spec
	State   State
	// Digest is that of all that it says: what, when and to whom.
	Digest string
	// Recipients, Calls and Blocks are how many there are of each. Of the list's rows,
	// Duplicates had a recipient who was there before, and Skipped a problem.
	Recipients, Calls, Blocks, Duplicates, Skipped int

	CallsDone int
	Counts    Counts
	Errcodes  map[int64]int // recipients by WeCom's errcode

	CreatedAt, StartedAt, FinishedAt time.Time
	// Acts are who paused, resumed, cancelled or approved it last.
	Acts map[string]Act

	cursor cursor
	fedAt  int64 // up to when its own rate is used, in Unix ms
	// progress is how many calls had ended at progressAt, which is the last time that one
	// had; rewoundAt is when the feeder last started again with the first call.
	progress              int
	progressAt, rewoundAt time.Time
}

// Act is what somebody did with a broadcast.
type Act struct {
	Actor string    `json:"actor"`
	At    time.Time `json:"at"`
}

// Counts are how many recipients are in each state. They add up to the number of
// recipients at any moment.
type Counts struct {
	Accepted   int `json:"accepted"`
	Invalid    int `json:"invalid"`
	Unlicensed int `json:"unlicensed"`
	Rejected   int `json:"rejected"`
	Unknown    int `json:"unknown"`
	Expired    int `json:"expired"`
	Cancelled  int `json:"cancelled"`
	Pending    int `json:"pending"`
}

// Failed are the recipients who did not get it, or may not have got it.
func (c Counts) Failed() int {
	return c.Invalid + c.Unlicensed + c.Rejected + c.Unknown + c.Expired
}

// ExpiresAt is when no call is made any more; zero for never, or while it has not begun.
func (b *Broadcast) ExpiresAt() time.Time {
	if b.Spec.ExpiresIn == 0 || b.StartedAt.IsZero() {
		return time.Time{}
	}
	return b.StartedAt.Add(b.Spec.ExpiresIn)
}

// readBroadcast reads the fields of a broadcast, and how many recipients its calls have
// that were tried and have not ended.
func readBroadcast(app, id string, f map[string]string, open []string) (*Broadcast, error) {
	number := func(field string) int {
		n, _ := strconv.Atoi(f[field]) // absent is zero
		return n
	}
	moment := func(field string) time.Time {
		if ms, err := strconv.ParseInt(f[field], 10, 64); err == nil {
			return time.UnixMilli(ms).UTC()
		}
		return time.Time{}
	}
	b := &Broadcast{
		ID: id, App: app, State: State(f["state"]), Digest: f["digest"],
		Recipients: number("recipients"), Calls: number("calls"), Blocks: number("blocks"), Duplicates: number("duplicates"), Skipped: number("skipped"),
		CallsDone: number("calls_done"), Errcodes: map[int64]int{}, Acts: map[string]Act{},
		CreatedAt: moment("created_at"), StartedAt: moment("started_at"), FinishedAt: moment("finished_at"),
		cursor: readCursor(f["cursor"]), fedAt: int64(number("fed_at")),
		progress: number("progress"), progressAt: moment("progress_at"), rewoundAt: moment("rewound_at"),
	}
	if err := json.Unmarshal([]byte(f["spec"]), &b.Spec); err != nil {
		return nil, fmt.Errorf("broadcast %s: %w", id, err)
	}
	b.Counts = Counts{
		Accepted: number("accepted"), Invalid: number("invalid"), Unlicensed: number("unlicensed"),
		Rejected: number("rejected"), Unknown: number("unknown"), Expired: number("expired"), Cancelled: number("cancelled"),
	}
	b.Counts.Pending = max(0, b.Recipients-b.Counts.Accepted-b.Counts.Failed()-b.Counts.Cancelled)
	if b.State == Cancelled { // what was tried already still gets its outcome
		tried := 0
		for _, recipients := range open {
			n, _ := strconv.Atoi(recipients)
			tried += n
		}
		tried = min(tried, b.Counts.Pending)
		b.Counts.Cancelled += b.Counts.Pending - tried
		b.Counts.Pending = tried
	}
	for field, value := range f {
		if code, ok := strings.CutPrefix(field, "errcode:"); ok {
			n, _ := strconv.ParseInt(code, 10, 64)
			b.Errcodes[n], _ = strconv.Atoi(value)
		}
		if act, ok := strings.CutSuffix(field, "_by"); ok {
			b.Acts[act] = Act{value, moment(act + "_at")}
		}
	}
	return b, nil
}
