package broadcast

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Broadcast is the current state of a broadcast.
type Broadcast struct {
	ID, App string
	Spec    Spec
	State   State
	// Digest identifies its content, time and recipients.
	Digest string
	// Recipients, Calls and Blocks are the numbers of each. Duplicates are the list's rows whose recipient
	// appears before, and Skipped those with a problem.
	Recipients, Calls, Blocks, Duplicates, Skipped int

	CallsDone int
	Counts    Counts
	Errcodes  map[int64]int // recipients by WeCom's errcode

	CreatedAt, StartedAt, FinishedAt time.Time
	// Acts has who last paused, resumed, cancelled or approved it.
	Acts map[string]Act

	cursor cursor
	fedAt  int64 // until when its own rate is used up, in Unix ms
	// progress is how many calls were finished at progressAt, when the last of them finished; rewoundAt is
	// when the feeder last started over with the first call.
	progress              int
	progressAt, rewoundAt time.Time
}

// Act is an operator's action on a broadcast.
type Act struct {
	Actor string    `json:"actor"`
	At    time.Time `json:"at"`
}

// Counts has the number of recipients in each state. They always add up to the number of recipients.
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

// Failed is the number of recipients who did not get it, or may not have.
func (c Counts) Failed() int {
	return c.Invalid + c.Unlicensed + c.Rejected + c.Unknown + c.Expired
}

// ExpiresAt is when calls stop; zero for never, or while it has not started.
func (b *Broadcast) ExpiresAt() time.Time {
	if b.Spec.ExpiresIn == 0 || b.StartedAt.IsZero() {
		return time.Time{}
	}
	return b.StartedAt.Add(b.Spec.ExpiresIn)
}

// readBroadcast reads the fields of a broadcast. open has its calls that were attempted and are not finished.
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
	if b.State == Cancelled { // attempted calls still get an outcome
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
