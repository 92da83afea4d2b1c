7spans[0].name: expected UTF-8, found "�" (at byte 7)
