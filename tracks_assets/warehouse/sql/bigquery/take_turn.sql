{{ shared.take_turn(turn) }}
