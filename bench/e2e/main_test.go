package main

import (
	"testing"

	"github.com/wecomq/wecomq/bench/stage/stagetest"
)

func TestMain(m *testing.M) { stagetest.Main(m, name, main) }
