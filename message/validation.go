package message

import (
	"fmt"
	"reflect"
	"strings"
)

// maxProblems bounds a [ValidationError]: for 10,000 bad userids, the first few are enough.
const maxProblems = 20

// FieldError is a problem with one member of a message.
type FieldError struct {
	Field   string // JSON path, e.g. "news.articles[3].title"
	Problem string // names the limit, the size and what to do
	Unknown bool   // the member is merely unknown to this package
	Near    string // the known name most similar to an unknown one, "" if none; Problem has it, too
}

// Error is "field: problem".
func (e FieldError) Error() string { return e.Field + ": " + e.Problem }

// ValidationError lists the problems of a message, at most 20.
type ValidationError struct {
	Fields []FieldError
}

// Error has all problems, joined by "; ".
func (e *ValidationError) Error() string {
	texts := make([]string, len(e.Fields))
	for i, field := range e.Fields {
		texts[i] = field.Error()
	}
	return strings.Join(texts, "; ")
}

// Validate reports everything that WeCom would refuse or silently cut in one call of
// message/send, as a [*ValidationError].
func Validate(request Request) error {
	return validate(request, checker.checkRecipientCounts)
}

// ValidateContent is [Validate] without the limits on recipients per call, for callers that split long lists.
func ValidateContent(request Request) error { return validate(request) }

func validate(request Request, more ...func(checker, *SendRequestCommon)) error {
	if err := checkWhole(request); err != nil {
		return err
	}
	var found []FieldError
	c := checker{found: &found}
	common := request.Common()
	c.checkCommon(common)
	if problem := typeConflict(request); problem != "" {
		c.problem("msgtype", "%s", problem)
	}
	request.check(c)
	for _, check := range more {
		check(c, common)
	}
	c.checkUTF8(reflect.ValueOf(request))
	return asError(found)
}

func asError(found []FieldError) error {
	if len(found) == 0 {
		return nil
	}
	return &ValidationError{Fields: found}
}

func (c checker) checkCommon(common *SendRequestCommon) {
	c.checkRecipients(common)
	c.checkAgentID(common.AgentID)
	c.checkSwitch("enable_id_trans", common.EnableIDTrans)
	c.checkSwitch("enable_duplicate_check", common.EnableDuplicateCheck)
	// An interval without the check is valid: WeCom's own samples have it.
	if n := common.DuplicateCheckInterval; n < 0 || n > MaxDuplicateCheckInterval {
		c.problem("duplicate_check_interval", "%d seconds; WeCom takes 1 to %d, or 0 for %d",
			n, MaxDuplicateCheckInterval, DefaultDuplicateCheckInterval)
	}
}

// checkAgentID accepts a number, or "", which is filled in later.
func (c checker) checkAgentID(id string) {
	if id != "" && !isNumber(id) {
		c.problem("agentid", "%s is not the number of an application", quote(id))
	}
}

func (c checker) checkSwitch(field string, value int) {
	if value != 0 && value != 1 {
		c.problem(field, "%d; WeCom takes 0 (off) and 1 (on)", value)
	}
}

// secrecy is the highest value of safe that a type of message takes (90236).
type secrecy int

const (
	open         secrecy = iota // the type has no confidential messages
	confidential                // 1: not to be forwarded, with a watermark
	internal                    // 2: to be forwarded inside the corporation only
)

// checkSafe rejects a value of safe that the type does not support.
func (c checker) checkSafe(safe int, highest secrecy) {
	if safe >= 0 && safe <= int(highest) {
		return
	}
	c.problem("safe", "%d; messages of this type take %s", safe,
		[...]string{"only 0: they cannot be confidential", "0 or 1", "0, 1 or 2"}[highest])
}

// quote quotes a caller's value, shortened.
func quote(s string) string { return fmt.Sprintf("%q", shorten(s)) }

func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
