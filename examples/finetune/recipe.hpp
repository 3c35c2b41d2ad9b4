#pragma once
// What a training's arguments come to, once the data, the base and the adapter that it begins with are known.
#include "arguments.hpp"
#include "base.hpp"
#include "tfm/train/causal_task.hpp"
#include "tfm/train/trainer.hpp"

namespace cli {

/// Refuses, before anything is read, to write over an input, over a run that is not to go on, or over files of no run; with --overwrite
/// over inputs alone. Errors: UsageError.
void guard_output(const TrainArguments& arguments);
/// With --overwrite takes away what a run has left in the folder, and files that have the names of such. Errors: LoadError.
void clear_output(const TrainArguments& arguments);

/// Refuses options that are for data of the other kind. Errors: UsageError.
void check_kind(const TrainArguments& arguments, bool conversations);
/// How many of the records are held out, where that is said as a share: rounded up, as train_test_split does.
void fill_in_validation(TrainArguments& arguments, Index records);
/// The steps, where epochs are given, rounded up as transformers does; and the warm-up.
void fill_in_steps(TrainArguments& arguments, Index training);
/// Refuses, before the base is loaded, products in 8 bits of one that will have none; afterwards of one that has none, and fills in
/// whether gradients go through int8 weights in 8 bits. Errors: UsageError.
void check_backward(const TrainArguments& arguments);
void fill_in_backward(TrainArguments& arguments, const tfm::AnyModel& model);
/// The adapter that training begins with, new or that of a folder; and its rank, alpha, dropout, targets and rslora. Errors: UsageError
/// for one that contradicts the arguments; ShapeError too where its layers differ in rank or scaling; LoadError, OptionError.
tfm::Adapter first_adapter(TrainArguments& arguments, const Base& base);

/// What of those arguments the parts of a training take, when they are filled in.
tfm::CausalTaskOptions task_options(const TrainArguments& arguments);
/// `evaluates`: there is something held out that can be measured.
tfm::TrainerOptions trainer_options(const TrainArguments& arguments, bool evaluates);

}  // namespace cli
