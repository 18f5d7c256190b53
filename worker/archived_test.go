package worker

import (
	"errors"
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

func TestWhichErrorsTellOfAnArchivedDeadLetter(t *testing.T) {
	t.Parallel()
	for lastErr, want := range map[string]int{
		archived(tasks.Record{Attempts: 3}, errors.New("errcode 45002")).Error():             3,
		archived(tasks.Record{Attempts: 25, ErrMsg: "used up"}, nil).Error():                 25,
		archived(tasks.Record{}, errors.New("[attempt 7]: skip retry for the task")).Error(): 0,
		deadLetter(errors.New("unreadable")).Error():                                         -1,
		"asynq: task lease expired":                                                          -1,
		"errcode 45002 [attempt 3]: skip retry for the task, said somebody":                  -1,
		"errcode 45002 [attempt 99999999999999999999]: skip retry for the task":              -1,
		"": -1,
	} {
		got, ok := archivedAfter(lastErr)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: attempt %d, want %d", lastErr, got, want)
		}
	}
}
