package wecomtest

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/tolerance"
)

// The default app, if the rules have none.
const (
	CorpID  = "ww0123456789abcdef"
	AgentID = 1000002
	Secret  = "simulator-secret"
)

// WeCom's numbers, used where the rules say 0.
const (
	defaultTokenTTL        = 7200 * time.Second // page 91039
	defaultWrongSecrets    = 2000               // failures in an hour; from WeCom's staff, not on a page
	defaultCallsPerMinute  = 10_000             // page 90312
	defaultBlock           = time.Minute        // page 90312: a minute limit blocks for a minute
	defaultMemberPerMinute = 30                 // page 90312
	defaultMemberPerHour   = 1000               // page 90312
	defaultMediaTTL        = 72 * time.Hour     // page 90253
	defaultKeep            = 100_000
)

// App is an application that may call.
type App struct {
	CorpID  string `json:"corp_id"`
	AgentID int64  `json:"agent_id"`
	Secret  string `json:"secret"`
}

// Rules describe the company and its limits. The zero value is usable; see the package comment. Userids are
// case-insensitive, and every list of userids may contain globs such as "ops-*".
type Rules struct {
	// Apps are the apps that may call; none means the one of CorpID, AgentID and Secret.
	Apps []App `json:"apps,omitempty"`

	// TokenTTL is the lifetime of an access token: at least 1s, 2h by default.
	TokenTTL Duration `json:"token_ttl"`
	// TokenUses expires a token after this many calls; 0 means never.
	TokenUses int `json:"token_uses,omitempty"`
	// WrongSecrets is how many wrong secrets within an hour ban the caller's IP from gettoken for an hour:
	// 2000 by default, negative for never.
	WrongSecrets int `json:"wrong_secrets"`

	// Members are the userids in the visible range; none means every well-formed
	// one. Members of departments and tags are members too.
	Members []string `json:"members,omitempty"`
	// Invisible userids are always invalid.
	Invisible []string `json:"invisible,omitempty"`
	// Unlicensed userids are visible but receive nothing.
	Unlicensed []string `json:"unlicensed,omitempty"`
	// Parties maps a department id to its members; empty means that every numeric id exists, with unknown
	// members.
	Parties map[string][]string `json:"parties,omitempty"`
	// Tags maps a tag id to its members, likewise.
	Tags map[string][]string `json:"tags,omitempty"`

	// CallsPerMinute is the limit per app and API, 10000 by default. The call that exceeds it blocks that API
	// for Block (1m by default).
	CallsPerMinute int      `json:"calls_per_minute"`
	Block          Duration `json:"block"`
	// MemberPerMinute and MemberPerHour limit the messages from one app to one member in any 60 s and 3600 s:
	// 30 and 1000 by default. Further ones are dropped silently.
	MemberPerMinute int `json:"member_per_minute"`
	MemberPerHour   int `json:"member_per_hour"`
	// Seats is the company's account limit: an app may send 200 × Seats person-times per natural day in
	// China. 0 or negative means no limit.
	Seats int `json:"seats"`
	// Concurrency is how many calls of an app may be in flight; more are refused
	// with 45033. 0 or negative is no limit.
	Concurrency int `json:"concurrency"`
	// Latency is how long every call takes, and Jitter the maximum random addition.
	Latency Duration `json:"latency"`
	Jitter  Duration `json:"jitter"`

	// MediaTTL is how long an uploaded file is valid: 72h by default.
	MediaTTL Duration `json:"media_ttl"`
	// StrictMedia refuses media ids that were neither uploaded here nor are in Media. Without it they are
	// accepted for any type.
	StrictMedia bool `json:"strict_media"`
	// Media maps permanent media ids to their types: image, voice, video or file.
	Media map[string]string `json:"media,omitempty"`

	// Keep is how many of the newest messages are kept: 100000 by default.
	Keep int `json:"keep"`
}

// Validate returns every problem of the rules, each with the field's JSON name.
func (r Rules) Validate() error {
	return errors.Join(r.validateApps(), r.validateMembers(), r.validateTimes(), r.validateMedia())
}

func (r Rules) validateApps() error {
	var errs []error
	seen := map[appKey]int{}
	for i, app := range r.Apps {
		switch first, twice := seen[app.key()]; {
		case app.CorpID == "":
			errs = append(errs, fmt.Errorf("apps[%d].corp_id is empty: name the company", i))
		case app.AgentID <= 0:
			errs = append(errs, fmt.Errorf("apps[%d].agent_id is %d: use a positive number", i, app.AgentID))
		case app.Secret == "":
			errs = append(errs, fmt.Errorf("apps[%d].secret is empty: choose one", i))
		case twice:
			errs = append(errs, fmt.Errorf("apps[%d] repeats apps[%d]: agent_id %d of %s exists already", i, first, app.AgentID, app.CorpID))
		}
		seen[app.key()] = i
	}
	return errors.Join(errs...)
}

func (r Rules) validateMembers() error {
	errs := []error{
		validateGlobs("members", r.Members),
		validateGlobs("invisible", r.Invisible),
		validateGlobs("unlicensed", r.Unlicensed),
	}
	for field, groups := range map[string]map[string][]string{"parties": r.Parties, "tags": r.Tags} {
		for id, members := range groups {
			if !tolerance.IsGroupID(id) {
				errs = append(errs, fmt.Errorf("%s: id %q is not a number", field, id))
			}
			for i, user := range members {
				if !tolerance.IsUserID(user) {
					errs = append(errs, fmt.Errorf("%s[%q][%d]: userid %q is not 1 to 64 of 0-9 A-Z a-z _ - @ . with a letter or digit first", field, id, i, user))
				}
			}
		}
	}
	return errors.Join(errs...)
}

func validateGlobs(field string, globs []string) error {
	for i, glob := range globs {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			return fmt.Errorf("%s[%d] is %q: write a userid or a glob such as \"ops-*\"", field, i, glob)
		}
	}
	return nil
}

func (r Rules) validateTimes() error {
	var errs []error
	if r.TokenTTL != 0 && r.TokenTTL < Duration(time.Second) {
		errs = append(errs, fmt.Errorf("token_ttl is %s: at least 1s, because expires_in counts seconds", r.TokenTTL))
	}
	for _, d := range []struct {
		field string
		value Duration
	}{{"block", r.Block}, {"latency", r.Latency}, {"jitter", r.Jitter}, {"media_ttl", r.MediaTTL}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s: it cannot be negative", d.field, d.value))
		}
	}
	if r.TokenUses < 0 {
		errs = append(errs, fmt.Errorf("token_uses is %d: it cannot be negative", r.TokenUses))
	}
	if r.Keep < 0 {
		errs = append(errs, fmt.Errorf("keep is %d: it cannot be negative", r.Keep))
	}
	return errors.Join(errs...)
}

func (r Rules) validateMedia() error {
	for id, kind := range r.Media {
		if !slices.Contains(mediaTypes, kind) {
			return fmt.Errorf("media[%q] is %q: use image, voice, video or file", id, kind)
		}
	}
	return nil
}

// withDefaults replaces zeros by WeCom's numbers.
func (r Rules) withDefaults() Rules {
	if len(r.Apps) == 0 {
		r.Apps = []App{{CorpID: CorpID, AgentID: AgentID, Secret: Secret}}
	}
	r.TokenTTL = cmp.Or(r.TokenTTL, Duration(defaultTokenTTL))
	r.WrongSecrets = cmp.Or(r.WrongSecrets, defaultWrongSecrets)
	r.CallsPerMinute = cmp.Or(r.CallsPerMinute, defaultCallsPerMinute)
	r.Block = cmp.Or(r.Block, Duration(defaultBlock))
	r.MemberPerMinute = cmp.Or(r.MemberPerMinute, defaultMemberPerMinute)
	r.MemberPerHour = cmp.Or(r.MemberPerHour, defaultMemberPerHour)
	r.MediaTTL = cmp.Or(r.MediaTTL, Duration(defaultMediaTTL))
	r.Keep = cmp.Or(r.Keep, defaultKeep)
	return r
}
