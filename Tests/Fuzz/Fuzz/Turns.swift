// All targets in turns: `Fuzz [seed=1] [minutes=10 | count=1000] [TARGET …]`.

#if !GUIDED
  import Foundation
  import Fuzzing
  import System

  private func say(_ line: String) { StandardStream.output.write(line + "\n") }

  /// Replays what is kept, then tries new inputs. Returns the exit status.
  func takeTurns() -> Int32 {
    var settings: [String: Double] = [:]
    var names: [String] = []
    for argument in CommandLine.arguments.dropFirst() {
      let parts = argument.split(separator: "=")
      if parts.count == 2, let value = Double(parts[1]) {
        settings[String(parts[0])] = value
      } else {
        names.append(argument)
      }
    }
    let targets = names.isEmpty ? FuzzTarget.all : FuzzTarget.all.filter { names.contains($0.name) }
    guard !targets.isEmpty else {
      say("no such target; there are \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
      return 64
    }
    do {
      for target in targets { say("\(target): \(try FuzzRun(target).replay().tried) files hold") }
      try takeTurns(
        targets, seed: UInt64(settings["seed"] ?? 1), minutes: settings["minutes"] ?? 10,
        count: settings["count"].map { Int($0) })
      return 0
    } catch {
      say("\(error)")
      return 1
    }
  }

  /// Turns of some seconds, again and again, so that an early end has tried everything; or one turn of `count` inputs.
  private func takeTurns(_ targets: [FuzzTarget], seed: UInt64, minutes: Double, count: Int?) throws {
    let end = Date(timeIntervalSinceNow: minutes * 60)
    var turn: UInt64 = 0
    repeat {
      for target in targets where count != nil || Date() < end {
        let deadline = count == nil ? min(end, Date(timeIntervalSinceNow: 10)) : .distantFuture
        let outcome = try FuzzRun(target).loop(seed: seed &+ turn, count: count ?? .max, until: deadline)
        say("\(target), seed \(seed &+ turn): \(outcome.tried) inputs hold, \(outcome.accepted) were accepted")
      }
      turn += 1
    } while count == nil && Date() < end
  }
#endif
